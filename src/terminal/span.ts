const STEPS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** A time that has passed, as a person says it: `9 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const at = STEPS.findIndex(([, length]) => whole >= length);
  const [unit, length] = STEPS[at] ?? ['s', 1];
  const next = STEPS[at + 1];
  const rest = at === -1 || next === undefined ? 0 : Math.floor((whole % length) / next[1]);
  return `${Math.floor(whole / length)} ${unit}${rest === 0 || next === undefined ? '' : ` ${rest} ${next[0]}`}`;
}
