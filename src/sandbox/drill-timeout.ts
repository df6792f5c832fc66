import { attemptThat, type Drill, startNow } from './drill.ts';

/** One minute of time for a training that needs more: the signal comes before the limit, the next attempt goes on. */
export const timeoutDrill: Drill = {
  name: 'timeout',
  summary: 'a time limit that is too short: the signal before it, a checkpoint, a requeue',
  parameters: { time: '1:00', signal_lead: 20, step_delay: 0.7 },
  disturb: async ({ system, run, note }) => {
    const events: string[] = [];
    for (let attempt = 0; ; attempt++) {
      const ended = await attemptThat(run, attempt, 'to end', ({ endedAt }) => endedAt !== null);
      if (ended.reason === 'finished') return events;
      events.push(`attempt ${attempt} ended as ${ended.reason ?? 'killed'}`);
      note(events.at(-1) ?? '');
      await startNow(system, run, attempt + 1);
    }
  },
};
