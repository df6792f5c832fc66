import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { certificate, mailConfig, secretFile, smtpServer } from '../notify/support.ts';
import { BEGAN, lookAt, NODES, place, queued, SPACE, submitted, WELL } from './look-at.ts';

/** A refusal as smtp-server wants it. */
const no = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

it('keeps a mail that a wrong password held up, says so at the look that tried, and sends it when it is mended', async () => {
  const { key, cert, caFile } = await certificate();
  const { port, mails } = await smtpServer({
    key,
    cert,
    authOptional: false,
    onAuth: ({ password }, _session, done) =>
      password === 'right-password'
        ? done(null, { user: 'ops' })
        : done(no(535, '5.7.8 Credentials invalid')),
  });
  const auth = await secretFile('user=ops\npassword=wrong-password\n');
  const smtp = { host: '127.0.0.1', port, from: 'opsctl@cluster.example', auth_file: auth, ca_file: caFile };
  const profile = { ...EMPTY_PROFILE, notify: mailConfig(port, { smtp }) };
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60, profile);
  await writeFile(join(here.outputDir, 'logs', 'job.log'), 'slurmstepd: error: something\n');
  const over = { squeue: queued({ state: 'FAILED', end: BEGAN + 100 }), sinfo: NODES };
  const held = await lookAt(here, { ...over, ...SPACE }, 120, profile);
  expect(held.notes).toEqual([
    expect.stringMatching(/^not sent yet to oncall@example\.org: .*535 5\.7\.8 Credentials invalid/),
  ]);
  expect(JSON.stringify(held)).not.toContain('wrong-password');
  // Not asked again before its time.
  expect((await lookAt(here, over, 180, profile)).notes).toEqual([]);
  await writeFile(auth, 'user=ops\npassword=right-password\n');
  expect((await lookAt(here, over, 900, profile)).notes).toEqual([]);
  expect(mails.map(({ source }) => /^Subject: (.*)\r$/m.exec(source)?.[1])).toEqual([
    '[opsctl] CRITICAL failed: sft-tiny',
  ]);
});
