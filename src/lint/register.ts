import { arrayRequeue } from './array-requeue.ts';
import { backgroundEnd } from './background-end.ts';
import { condaActivate } from './conda-activate.ts';
import { cpusInherited } from './cpus-inherited.ts';
import { crlf } from './crlf.ts';
import { directiveLate } from './directive-late.ts';
import { directiveMisspelled } from './directive-misspelled.ts';
import { directiveOption } from './directive-option.ts';
import { directiveVariable } from './directive-variable.ts';
import { earlyRank } from './early-rank.ts';
import { endlessWait } from './endless-wait.ts';
import { fixedPort } from './fixed-port.ts';
import { globArgument } from './glob-argument.ts';
import { headerMismatch } from './header-mismatch.ts';
import { killOnBadExit } from './kill-on-bad-exit.ts';
import { lineContinuation } from './line-continuation.ts';
import { lossOnAllTokens } from './loss-on-all-tokens.ts';
import { masterAddress } from './master-address.ts';
import { nodelistSpaces } from './nodelist-spaces.ts';
import { outputDirectory } from './output-directory.ts';
import { outputShared } from './output-shared.ts';
import { pipefailTee } from './pipefail-tee.ts';
import { pkillSelf } from './pkill-self.ts';
import { quotedList } from './quoted-list.ts';
import { requeueLog } from './requeue-log.ts';
import { requeueResume } from './requeue-resume.ts';
import { rmShared } from './rm-shared.ts';
import type { Rule } from './rule.ts';
import { secret } from './secret.ts';
import { shebang } from './shebang.ts';
import { signalLead } from './signal-lead.ts';
import { signalTarget } from './signal-target.ts';
import { sleepReadiness } from './sleep-readiness.ts';
import { srunOption } from './srun-option.ts';
import { syntax } from './syntax.ts';
import { tasksPerNode } from './tasks-per-node.ts';
import { timeLimit } from './time-limit.ts';
import { trainerFlag } from './trainer-flag.ts';
import { xtrace } from './xtrace.ts';

/** Every rule. Adding one is a file, a line here, a page in docs/lint and a test. */
export const rules: readonly Rule[] = [
  // The file and its header.
  shebang,
  crlf,
  syntax,
  lineContinuation,
  directiveVariable,
  directiveLate,
  directiveMisspelled,
  directiveOption,
  timeLimit,
  outputDirectory,
  outputShared,
  requeueLog,
  requeueResume,
  arrayRequeue,
  signalLead,
  signalTarget,
  // Ranks, nodes and ports.
  earlyRank,
  quotedList,
  nodelistSpaces,
  fixedPort,
  masterAddress,
  tasksPerNode,
  headerMismatch,
  srunOption,
  killOnBadExit,
  cpusInherited,
  // What happens when it starts, fails and ends.
  condaActivate,
  pipefailTee,
  backgroundEnd,
  endlessWait,
  sleepReadiness,
  // Other people, and keys.
  secret,
  xtrace,
  pkillSelf,
  rmShared,
  // The training.
  trainerFlag,
  globArgument,
  lossOnAllTokens,
];
