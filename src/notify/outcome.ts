/**
 * How one attempt to send ended.
 * - `sent`: the server took it
 * - `later`: no answer, or one that asks to try again (SMTP 4xx, HTTP 429 and 5xx): it is tried again soon
 * - `setup`: nothing is wrong with the message (login, address, certificate, signature): kept, and tried again slowly,
 *   because the person who mends it does not send it again
 * - `refused`: the server does not take this message, ever (SMTP 5xx, HTTP 400): it is given up
 */
export interface Outcome {
  readonly status: 'sent' | 'later' | 'setup' | 'refused';
  /** For a person; never holds a secret. */
  readonly detail: string;
  /** When the server said how long to wait. */
  readonly waitMs?: number | undefined;
}
