import * as z from 'zod/mini';
import { parseDuration } from '../slurm/duration.ts';

const severity = z.enum(['info', 'warning', 'critical']);
const span = z
  .string()
  .check(
    z.refine(
      (text) => Number.isFinite(parseDuration(text)),
      'expected a time as Slurm writes it, such as 4:00:00',
    ),
  );
const clock = z
  .string()
  .check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day, in quotes, such as "22:00"'));
export const timeZone = z
  .string()
  .check(z.refine(isTimeZone, 'expected a time zone of the IANA list, such as Asia/Shanghai or UTC'));

const quietHoursSchema = z.strictObject({
  from: clock.check(z.describe('Begin, as a time of day: "22:00"')),
  to: clock.check(z.describe('End; earlier than the begin means the next morning')),
  time_zone: timeZone.check(z.describe('Whose clock that is, such as Asia/Shanghai')),
  severities: z
    ._default(z.array(severity), ['info', 'warning'])
    .check(z.describe('What waits until the end; what is not in the list is sent at once')),
});

/** When an alert is told, and when it is told again. */
export const alertsSchema = z.strictObject({
  repeat: z
    ._default(span, '4:00:00')
    .check(z.describe('Told again after this time while nothing has changed, as Slurm writes times')),
  group_by: z
    ._default(z.enum(['cause', 'alert']), 'cause')
    .check(z.describe('One message for each cause, however many runs it has, or one for each alert')),
  group_interval: z
    ._default(span, '0:05:00')
    .check(z.describe('A cause that spreads to more runs is told at most this often')),
  resolve_after: z
    ._default(span, '0:05:00')
    .check(z.describe('Gone for this long before it counts as resolved, so that flapping is one alert')),
  quiet_hours: z
    ._default(z.nullable(quietHoursSchema), null)
    .check(z.describe('Hours in which less severe messages wait; null: none')),
});

export type AlertsConfig = z.infer<typeof alertsSchema>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
