import { describe, expect, it } from 'vitest';
import type { Alert, Seen } from '../../src/alert/alert.ts';
import { type AlertState, type Decided, decide, NOTHING_KNOWN } from '../../src/alert/decide.ts';
import type { AlertPolicy } from '../../src/alert/policy.ts';
import { newSilence, type Silence, type SilenceMatch } from '../../src/alert/silence.ts';
import { effort } from '../support/effort.ts';
import { alertOf, HOUR, MINUTE, POLICY, START } from './support.ts';

/** Looks at these times (ms after the start) that saw these alerts; gives the reasons, each as `group: reason`. */
function story(policy: AlertPolicy = POLICY, silences: readonly Silence[] = []) {
  let state: AlertState = NOTHING_KNOWN;
  const look = (atMs: number, alerts: readonly Alert[], blind: Seen['blind'] = []): Decided => {
    const decided = decide(state, { alerts, blind }, silences, policy, new Date(START + atMs));
    // What is kept goes through a file.
    state = JSON.parse(JSON.stringify(decided.next)) as AlertState;
    return decided;
  };
  return {
    look,
    reasons: (...given: Parameters<typeof look>) => reasonsOf(look(...given)),
    state: () => state,
  };
}

function reasonsOf({ decisions }: Decided): string[] {
  return decisions.map(({ reason }) => reason);
}

function silence(match: Partial<SilenceMatch>, untilMs: number): Silence {
  const fields = { fault: null, run: null, node: null, ...match };
  const at = (ms: number): string => new Date(START + ms).toISOString();
  return newSilence({ ...fields, reason: 'known', by: 'me@here', createdAt: at(0), expiresAt: at(untilMs) });
}

describe('an alert', () => {
  it('is told once, again after the repeat interval, and when it is over', () => {
    const { reasons, state } = story();
    expect(reasons(0, [alertOf()])).toEqual(['first']);
    expect(reasons(MINUTE, [alertOf()])).toEqual(['unchanged']);
    expect(reasons(4 * HOUR - MINUTE, [alertOf()])).toEqual(['unchanged']);
    expect(reasons(4 * HOUR, [alertOf()])).toEqual(['repeat']);
    expect(reasons(5 * HOUR, [])).toEqual(['unchanged']);
    expect(reasons(5 * HOUR + 5 * MINUTE, [])).toEqual(['resolved']);
    expect(state()).toEqual(NOTHING_KNOWN);
    expect(reasons(6 * HOUR, [])).toEqual([]);
  });

  it('that flaps is one episode: nothing is told until it is gone for a while', () => {
    const { reasons } = story();
    expect(reasons(0, [alertOf()])).toEqual(['first']);
    for (let minute = 1; minute < 60; minute++)
      expect(reasons(minute * MINUTE, minute % 3 === 0 ? [alertOf()] : [])).toEqual(['unchanged']);
  });

  it('is not over because nobody could look', () => {
    const { reasons } = story();
    reasons(0, [alertOf()]);
    expect(reasons(HOUR, [], 'all')).toEqual(['unchanged']);
    expect(reasons(2 * HOUR, [], ['storage-full'])).toEqual(['unchanged']);
    expect(reasons(4 * HOUR, [], 'all')).toEqual(['repeat']);
    expect(reasons(4 * HOUR + MINUTE, [], ['node-down'])).toEqual(['unchanged']);
    expect(reasons(4 * HOUR + 6 * MINUTE, [], ['node-down'])).toEqual(['resolved']);
  });

  it('keeps the time at which it began, and gets a thread of its own when it comes back', () => {
    const { look } = story();
    const first = look(0, [alertOf()]).decisions[0]?.message;
    const repeat = look(4 * HOUR, [alertOf({ since: '2026-03-02T13:00:00.000Z' })]).decisions[0]?.message;
    expect(repeat?.since).toBe('2026-03-02T09:58:00.000Z');
    expect([first?.id, repeat?.id]).toEqual([`${first?.thread}-1`, `${first?.thread}-2`]);
    look(5 * HOUR, []);
    const over = look(6 * HOUR, []).decisions[0]?.message;
    expect([over?.thread, over?.reason, over?.severity]).toEqual([first?.thread, 'resolved', 'critical']);
    expect(over?.cleared.map(({ id }) => id)).toEqual(['storage-full-a']);
    const again = look(7 * HOUR, [alertOf()]).decisions[0];
    expect(again?.reason).toBe('first');
    expect(again?.message?.thread).not.toBe(first?.thread);
  });

  it('makes the same messages with the same ids when the same look is decided again', () => {
    const { look, state } = story();
    look(0, [alertOf()]);
    const before = state();
    const again = () =>
      decide(before, { alerts: [alertOf()], blind: [] }, [], POLICY, new Date(START + 5 * HOUR));
    expect(again()).toEqual(again());
  });
});

describe('a group', () => {
  const forty = Array.from({ length: 40 }, (_, index) =>
    alertOf({ id: `storage-full-${index}`, runs: [`sft-${index}`], severity: 'warning' }),
  );

  it('of one fault over forty jobs is one message', () => {
    const { decisions } = story().look(0, forty);
    expect(decisions).toHaveLength(1);
    expect(decisions[0]?.message?.alerts).toHaveLength(40);
  });

  it('is one message for each alert where the configuration says so', () => {
    expect(story({ ...POLICY, groupBy: 'alert' }).look(0, forty).decisions).toHaveLength(40);
  });

  it('that grows waits for the group interval, one that gets worse does not', () => {
    const { reasons } = story();
    expect(reasons(0, forty.slice(0, 10))).toEqual(['first']);
    expect(reasons(MINUTE, forty.slice(0, 20))).toEqual(['waiting']);
    expect(reasons(5 * MINUTE, forty.slice(0, 30))).toEqual(['more']);
    expect(reasons(6 * MINUTE, [...forty.slice(0, 30), alertOf()])).toEqual(['worse']);
    expect(reasons(7 * MINUTE, forty.slice(0, 30))).toEqual(['unchanged']);
  });

  it('says what is over of it with the next message, and is resolved with the last one', () => {
    const { look, reasons } = story();
    reasons(0, forty);
    reasons(MINUTE, forty.slice(0, 1));
    expect(reasons(6 * MINUTE, forty.slice(0, 1))).toEqual(['unchanged']);
    const repeat = look(4 * HOUR, forty.slice(0, 1)).decisions[0]?.message;
    expect([repeat?.alerts.length, repeat?.cleared.length]).toEqual([1, 39]);
    // Told to be over, and back: that is news.
    expect(reasons(5 * HOUR, forty.slice(0, 2))).toEqual(['more']);
    reasons(6 * HOUR, []);
    expect(reasons(7 * HOUR, [])).toEqual(['resolved']);
  });

  it('of ten thousand alerts is decided in a few seconds at most, on a busy machine too', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      alertOf({ id: `a-${index}`, runs: [`r${index}`] }),
    );
    const { look } = story();
    look(0, many);
    expect(effort(() => look(MINUTE, many.slice(1)))).toBeLessThan(5000);
  });
});

describe('a silence', () => {
  it('keeps an alert from being told until it expires', () => {
    const { reasons } = story(POLICY, [silence({ fault: 'storage-*' }, HOUR)]);
    expect(reasons(0, [alertOf()])).toEqual(['silenced']);
    expect(reasons(HOUR, [alertOf()])).toEqual(['first']);
  });

  it('of something that ends before anybody was told says nothing at all', () => {
    const { reasons } = story(POLICY, [silence({ run: 'sft-a' }, HOUR)]);
    reasons(0, [alertOf()]);
    reasons(MINUTE, []);
    expect(reasons(10 * MINUTE, [])).toEqual(['unnoticed']);
  });

  it('for a run does not hide a fault that has spread to other runs', () => {
    const quiet = silence({ run: 'sft-a' }, HOUR);
    const other = alertOf({ id: 'b', runs: ['sft-b'] });
    const decided = story(POLICY, [quiet]).look(0, [alertOf(), other]);
    expect(decided.decisions[0]?.message?.alerts.map(({ id }) => id)).toEqual(['b']);
    expect(decided.decisions[0]?.silenced).toEqual(['storage-full-a']);
    expect(story(POLICY, [quiet]).reasons(0, [alertOf({ runs: ['sft-a', 'sft-b'] })])).toEqual(['first']);
  });

  it('with several names needs all of them, and one without any holds back nothing', () => {
    const both = silence({ fault: 'storage-full', node: 'n1' }, HOUR);
    expect(story(POLICY, [both]).reasons(0, [alertOf()])).toEqual(['first']);
    expect(story(POLICY, [both]).reasons(0, [alertOf({ nodes: ['n1'] })])).toEqual(['silenced']);
    expect(story(POLICY, [silence({}, HOUR)]).reasons(0, [alertOf()])).toEqual(['first']);
  });

  it('made after an alert was told does not keep its end back', () => {
    const now = new Date(START);
    const first = decide(NOTHING_KNOWN, { alerts: [alertOf()], blind: [] }, [], POLICY, now);
    const { look } = story(POLICY, []);
    look(0, [alertOf()]);
    const silences = [silence({ fault: 'storage-full' }, 9 * HOUR)];
    const gone = (state: AlertState, ms: number): Decided =>
      decide(state, { alerts: [], blind: [] }, silences, POLICY, new Date(START + ms));
    const waiting = gone(first.next, HOUR);
    expect(reasonsOf(waiting)).toEqual(['silenced']);
    expect(reasonsOf(gone(waiting.next, 2 * HOUR))).toEqual(['resolved']);
  });
});

describe('quiet hours', () => {
  // 10:00 UTC is 18:00 in Shanghai.
  const policy: AlertPolicy = {
    ...POLICY,
    quietHours: { from: '22:00', to: '07:00', time_zone: 'Asia/Shanghai', severities: ['info', 'warning'] },
  };
  const mild = alertOf({ severity: 'warning' });

  it('hold back what is not severe until the morning of their own time zone', () => {
    const { reasons } = story(policy);
    expect(reasons(4 * HOUR, [mild])).toEqual(['quiet']);
    expect(reasons(12 * HOUR + 59 * MINUTE, [mild])).toEqual(['quiet']);
    expect(reasons(13 * HOUR, [mild])).toEqual(['first']);
  });

  it('do not hold back what is severe, nor anything a minute before they begin', () => {
    expect(story(policy).reasons(5 * HOUR, [alertOf()])).toEqual(['first']);
    expect(story(policy).reasons(4 * HOUR - MINUTE, [mild])).toEqual(['first']);
  });

  it('hold back the end of what was told as well, and forget nothing meanwhile', () => {
    const { reasons, look } = story(policy);
    reasons(0, [mild]);
    reasons(4 * HOUR, []);
    expect(reasons(5 * HOUR, [])).toEqual(['quiet']);
    const { decisions } = look(13 * HOUR, []);
    expect([decisions[0]?.reason, decisions[0]?.message?.cleared.length]).toEqual(['resolved', 1]);
  });
});
