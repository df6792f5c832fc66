/**
 * What says that something went wrong, whatever it was. A log whose end holds one of these and no signature's text is
 * not healthy, only not understood. Tried on lines that are read one by one, so none needs a literal.
 */
const TROUBLE = [
  // A level before the words of a tool, a logger or C++: srun: error:, [ERROR], [E ProcessGroupNCCL.cpp:9], E0411 10:00.
  /(?:^|[\s|\]:,[(])(?:fatal|[Ee]rror|Fatal|critical|Critical)(?:\]|:(?=\s+(?:[^\s\d.+-]|--?[a-z])))|^(?:srun|sbatch|salloc|slurmstepd\S{0,60}): (?:error|fatal): /,
  /(?:^|[\s|\]:,[(])(?:FATAL|ERROR|CRITICAL|ERR)(?=[\s\]|:]|$)(?!:?\s*(?:=|[\d.]+\s*$))/,
  /^\[?[EF](?:\d{4} \d\d:|\d{0,4} [\w./]{1,80}[.:]\w|\])/,
  /\bNCCL WARN\b|\b(?:net|transport)\S{0,40}:\d+ WARN\b/,
  // What exceptions are called, in Python, Java and C++.
  /^(?:[A-Za-z_][\w.]{0,120}[. ])?[A-Z]\w{0,60}(?:Error|Exception|Invalid|Refused|Exceeded)(?:[:(]|\s*$)|^[a-z_]\w{0,60}(?:\.\w{1,60}){0,8}\.[A-Z]\w{2,60}: \S/,
  /^KeyboardInterrupt\b|\bterminate called\b|\bpanicked at\b/,
  /^(?:\S{1,40}: |\[\d{1,6}\])?Error (?:\w{2,20}ing\b.{0,80}: |(?:open|load|read|writ|creat|fetch|execut|runn|pars|initializ|connect|compil|build|import|sav|download)ing\b)/,
  // What MPI says when it ends all processes.
  /\bMPI_ERRORS_ARE_FATAL\b|\bMPI_ABORT was invoked\b|\bAbort\(\d{1,10}\) /,
  // How processes end.
  /\b(?:exit(?:ed|s|ing)?|return(?:ed|s)?)(?: with)?[ _-]?(?:code|status|value)?s?[ =:(]{1,4}-?[1-9]\d{0,2}\b|\bexitcode\b[ =:(]{1,4}-?[1-9]|\bnon-?zero exit|\b(?:WTERMSIG|WEXITSTATUS) [1-9]/i,
  /segmentation fault|\bcore dumped\b|\bbus error\b|\billegal instruction\b|\bfloating point exception\b|\bdeath signal\b|\bexited on signal \d|\b(?:killed|terminated|aborted) by\b/i,
  /^(?:\S+: line \d+: {1,9}\d+ )?(?:Killed|Aborted|Terminated)\b(?! at )|\bSIG(?:SEGV|ABRT|BUS|KILL|FPE|ILL|HUP|TERM|INT|XCPU)\b|\bCANCELLED\b|^State: (?!COMPLETED|RUNNING|PENDING)[A-Z]|\b(?:DOWN|DRAINED)\b|\bUnavailableNodes\b/,
  // What a shell and the C library say.
  /: (?:command not found|No such file or directory|Permission denied|cannot \w+|Cannot allocate memory|Input\/output error|Operation not permitted|Connection (?:refused|timed out|reset by peer))\b|\bcan't open file\b|\bcannot open shared object\b/,
  // Sentences of failure.
  /^(?:\S{1,40}: )?(?:Failed|Unable|Cannot|Can't|Could not|Couldn't) (?:to )?\w|\bfailed(?:[.!]|:(?! *\d)| with\b| because\b|$)|\b(?:not available|unavailable|out of memory|tim(?:ed|ing) out|not responding)\b|\btimeout at\b/i,
  /\bsize mismatch for\b|\bvendor err\b|\berrno\b[ =:]{1,3}[1-9]|\b(?:CUDA|network)[ _]error\b|\boom[-_ ]kill|\b(?:retry loop|still disabled, retrying)\b|\bNVRM: .{0,200}(?:fail|fall|error|Xid)|\boverflow\b.{0,80}\barrays?\b/i,
  /\b(?:loss\w*|grad_?norm)['"]?[ :=]{1,4}(?:tensor\()?nan\b|\b(?:loss|grad(?:ient)?s?)\b.{0,20}\b(?:is|are|returned|became) nan\b/i,
] as const;

/** What the gate says of a node before a run that goes on all the same (templates/partials/gate.hbs); with a hint that may quote anything. */
const GATE_REPORT = /^gate: (?:warning|unknown) on /;
/** NeMo's bar holds a loss of Lightning's that it never sets, beside its own. */
const UNSET_LOSS = /\bloss=nan, v_num=.{0,300}\breduced_train_loss=\d/;
/** What Python's `warnings` print: place, category, words. Whatever they tell of, the program goes on. */
export const WARNED = /^\S{1,400}:\d{1,7}: (?:[A-Z]\w{0,40})?Warning: /;

/** Whether a line reports a failure, in whatever words. `text` without what launchers put before it. */
export function isTrouble(text: string): boolean {
  if (GATE_REPORT.test(text) || WARNED.test(text) || UNSET_LOSS.test(text)) return false;
  return TROUBLE.some((pattern) => pattern.test(text));
}
