import type { Take } from '../run/upstream.ts';
import type { Leaves } from '../template/front-matter.ts';
import type { Template } from '../template/load.ts';

/** A program that makes one format of another, as a template of the phase `convert` says. */
export interface Converter {
  readonly trainer: string;
  readonly from: string;
  readonly to: string;
}

/** One stage that takes a checkpoint of another. */
export interface Handover {
  readonly reader: Pick<Template, 'trainer' | 'parameters'>;
  readonly parameter: string;
  readonly from: string;
  readonly writer: Pick<Template, 'trainer' | 'front'>;
  readonly take: Take;
  /** The writer has ended well, or the reader does not start. */
  readonly endedWell: boolean;
}

/** A format in words; one of a site's own stands for itself. */
const WORDS: Readonly<Record<string, string>> = {
  hf: 'a Hugging Face model',
  'hf-reward': 'a Hugging Face reward model',
  megatron: "Megatron-LM's shards",
  deepspeed: "DeepSpeed's ZeRO shards",
  'verl-fsdp': "verl's FSDP shards",
  'deepspeed-chat-reward': "DeepSpeed-Chat's reward model",
  'llama-factory-reward': "LLaMA-Factory's reward model",
  example: "the example trainer's own files",
  'example-reward': "the example trainer's reward model",
};

/** Whether what is taken is the model that the writer saves at its end, and none of its checkpoints. */
export function isOnlyAtEnd({ writer, take, endedWell }: Handover): boolean {
  return writer.front.leaves?.until_then !== undefined && endedWell && take !== 'best';
}

/** The format in which the parameter is read; undefined where the template does not say, or where any will do. */
export function formatRead({
  reader,
  parameter,
}: Pick<Handover, 'reader' | 'parameter'>): string | undefined {
  const format = reader.parameters.find(({ name }) => name === parameter)?.format;
  return format === 'any' ? undefined : format;
}

/**
 * Why a stage cannot read what another leaves, or undefined when it can, or when one of the templates does not say. Pure.
 */
export function formatProblem(handover: Handover, converters: readonly Converter[]): string | undefined {
  const { reader, parameter, from, writer } = handover;
  const wanted = formatRead(handover);
  const { leaves } = writer.front;
  if (wanted === undefined || leaves === undefined) return undefined;
  const given = formatLeft(leaves, handover);
  if (given === wanted) return undefined;
  const problem = `${parameter}: ${from} (${writer.trainer}) leaves ${words(given)}, and ${reader.trainer} reads ${words(wanted)}`;
  if (leaves.format === wanted)
    return `${problem}. What ${writer.trainer} writes at its end is ${words(wanted)}: let the stage wait for it with "when: ok", and leave "take" away`;
  if (wanted.endsWith('reward') !== given.endsWith('reward'))
    return `${problem}: name the stage that leaves one`;
  return `${problem}. ${advice(given, wanted, from, converters)}`;
}

function formatLeft(leaves: Leaves, handover: Handover): string {
  return isOnlyAtEnd(handover) ? leaves.format : (leaves.until_then ?? leaves.format);
}

function words(format: string): string {
  return WORDS[format] ?? format;
}

function advice(given: string, wanted: string, from: string, converters: readonly Converter[]): string {
  const known = converters.find((one) => one.from === given && one.to === wanted);
  const stage =
    known === undefined
      ? 'trainer: own, parameters: { program: /path/of/a/converter }'
      : `trainer: ${known.trainer}`;
  return `Convert it in a stage between them: { name: convert-${from}, phase: convert, ${stage} }`;
}
