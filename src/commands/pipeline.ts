import { EXIT, type ExitCode } from '../errors.ts';
import { type Command, flag, text } from './command.ts';

const NAMED = 'A pipeline, the beginning of its name, or "last"';

const submit: Command = {
  command: 'submit <file>',
  describe: 'Check every stage and give all of them to Slurm, or none',
  examples: [
    ['$0 pipeline submit tune.yaml --dry-run', 'what would be done, and a picture of it'],
    ['$0 pipeline submit tune.yaml', 'submit it; after an interruption the same line goes on'],
  ],
  options: (parser) =>
    parser
      .positional('file', { type: 'string', describe: 'YAML file with the stages' })
      .option('dry-run', { type: 'boolean', describe: 'Check and show everything, write and submit nothing' })
      .option('no-preflight', { type: 'boolean', describe: 'Submit without any check' })
      .option('again', {
        type: 'boolean',
        describe: 'Submit although the same pipeline is queued or running',
      }),
  handler: async (args, context) => {
    const { submitFile } = await import('./pipeline-submit.ts');
    return submitFile(text(args, 'file') ?? '', context, {
      isDry: flag(args, 'dry-run'),
      preflight: !flag(args, 'no-preflight'),
      again: flag(args, 'again'),
    });
  },
};

const status: Command = {
  command: 'status [pipeline]',
  describe: 'Draw a pipeline with the states of its stages, or list all',
  examples: [
    ['$0 pipeline status last', 'the newest, as a picture'],
    ['$0 pipeline status last --json', 'the same for scripts'],
  ],
  options: (parser) => parser.positional('pipeline', { type: 'string', describe: NAMED }),
  handler: async (args, context) => {
    const { showPipeline, showPipelines } = await import('./pipeline-status.ts');
    const name = text(args, 'pipeline');
    return name === undefined ? showPipelines(context) : showPipeline(name, context);
  },
};

const resume: Command = {
  command: 'resume <pipeline>',
  describe: 'Submit again what failed and what was to come after it',
  examples: [
    ['$0 pipeline resume last', 'stages that have ended well are not run again'],
    ['$0 pipeline resume last --edited', 'with the parameters that the file has now'],
    ['$0 pipeline resume tune-20261124 --json', 'the stages that were submitted, as JSON'],
  ],
  options: (parser) =>
    parser
      .positional('pipeline', { type: 'string', describe: NAMED })
      .option('edited', {
        type: 'boolean',
        describe:
          'Render what runs again from the file as it is now; refused where that changes another stage',
      })
      .option('no-preflight', { type: 'boolean', describe: 'With --edited: submit without any check' }),
  handler: async (args, context) => {
    const { resumeNamed } = await import('./pipeline-change.ts');
    return resumeNamed(text(args, 'pipeline') ?? '', context, {
      edited: flag(args, 'edited'),
      preflight: !flag(args, 'no-preflight'),
    });
  },
};

const cancel: Command = {
  command: 'cancel <pipeline>',
  describe: 'Cancel every stage that waits or runs',
  examples: [
    ['$0 pipeline cancel last', 'all of them at once, so that none starts because another ended'],
    ['$0 pipeline cancel tune-20261124 --json', 'what is left, as JSON'],
  ],
  options: (parser) => parser.positional('pipeline', { type: 'string', describe: NAMED }),
  handler: async (args, context): Promise<ExitCode> => {
    const { cancelNamed } = await import('./pipeline-change.ts');
    return cancelNamed(text(args, 'pipeline') ?? '', context);
  },
};

const schema: Command = {
  command: 'schema',
  describe: 'Print the JSON Schema of a pipeline file, for editors',
  examples: [
    ['$0 pipeline schema > pipeline.schema.json', 'completion and warnings while typing'],
    ['$0 pipeline schema --json', 'the same'],
  ],
  handler: async (_, { terminal }) => {
    const { pipelineJsonSchema } = await import('../pipeline/schema.ts');
    terminal.out(JSON.stringify(pipelineJsonSchema(), undefined, 2));
    return EXIT.ok;
  },
};

export const pipelineCommand: Command = {
  command: 'pipeline',
  describe: 'A chain or tree of phases as Slurm dependencies',
  examples: [
    ['$0 pipeline submit tune.yaml --dry-run', 'check a pipeline and draw it'],
    ['$0 pipeline status last', 'how far it is'],
  ],
  subcommands: [submit, status, resume, cancel, schema],
};
