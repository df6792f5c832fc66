import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { RECORDED_CASES } from './cases.ts';
import { REAL_CASES } from './real-cases.ts';
import { check, checks, firing, run, status } from './support.ts';

interface XidClasses {
  readonly version: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly codes: Readonly<Record<string, { readonly class: string }>>;
}

const ACROSS = ['differs', 'spread', 'below-median'];
const CASES = [...RECORDED_CASES, ...REAL_CASES];
const root = process.getuid?.() === 0;

describe('the catalogue', () => {
  it.each(
    CASES.filter((one) => root || one.before === undefined).map(
      (one) => [one.check, one.title, one] as const,
    ),
  )('%s: %s', async (id, _title, one) => {
    const found = await run(id, one);
    expect([firing(id, found), found.output]).toEqual([[...one.fires], found.output]);
    if (one.fires.length === 0) expect([status(id, found), found.output]).toEqual(['ok', found.output]);
  });

  it('has a case for every rule that one node can break', () => {
    const covered = new Set(CASES.flatMap((one) => one.fires.map((rule) => `${one.check} ${rule}`)));
    const rules = checks.flatMap((one) =>
      one.rules
        .filter((rule) => !ACROSS.includes(rule.op))
        .map((rule) => `${one.id} ${rule.fact} ${rule.severity}`),
    );
    // `hosts` and a busy port have their own tests below.
    covered.add('port port critical');
    expect(rules.filter((rule) => !covered.has(rule) && !rule.startsWith('hosts '))).toEqual([]);
  });

  // `hosts` has its own below; limits as high as a GPU node's cannot be set on every machine that runs the tests.
  it('has a case without a fault for every check', () => {
    const sound = new Set(CASES.filter((one) => one.fires.length === 0).map((one) => one.check));
    expect(
      checks.map((one) => one.id).filter((id) => !sound.has(id) && !['hosts', 'limits'].includes(id)),
    ).toEqual([]);
  });

  it('covers every row of the fault table that asks for a preflight check', () => {
    const rows = new Set(checks.flatMap((one) => one.faults ?? []));
    expect([3, 4, 5, 6, 9, 10, 11, 14, 21, 24, 30, 36, 37].filter((row) => !rows.has(row))).toEqual([]);
  });

  it("takes Xid's classes from the data file, whose version and sources are told", () => {
    const xid = parse(readFileSync('checks/data/xid.yaml', 'utf8')) as XidClasses;
    const codes = (wanted: string) =>
      Object.entries(xid.codes)
        .filter(([, { class: name }]) => name === wanted)
        .map(([code]) => code)
        .join(' ');
    const { limits } = check('kernel');
    expect([codes('fatal'), codes('application')]).toEqual([limits?.xid_fatal, limits?.xid_application]);
    expect([xid.version, Object.keys(xid.sources).length > 1]).toEqual([
      expect.stringMatching(/^\d{4}-/),
      true,
    ]);
  });

  it('passes shellcheck', () => {
    execFileSync(
      'shellcheck',
      checks.map((one) => `checks/${one.id}.sh`),
    );
  });

  it.each(checks.map((one) => [one.id, one] as const))(
    '%s names its limits as its probe does',
    (_id, one) => {
      for (const [name, value] of Object.entries(one.limits ?? {})) {
        const used = new RegExp(`\\$\\{CHECK_${name.toUpperCase()}:-([^}]*)\\}`).exec(one.source);
        const judged = one.rules.some((rule) => rule.limit === name);
        expect([name, judged || used !== null]).toEqual([name, true]);
        if (used !== null) expect([name, used[1]]).toEqual([name, String(value)]);
      }
      for (const rule of one.rules) {
        expect([rule.fact, rule.fix !== '' && rule.message !== '']).toEqual([rule.fact, true]);
        const named = one.limits !== undefined && String(rule.limit) in one.limits;
        if (['lt', 'le', 'gt', 'ge', 'spread', 'below-median'].includes(rule.op))
          expect([rule.fact, named || typeof rule.limit === 'number']).toEqual([rule.fact, true]);
      }
    },
  );
});

describe('reaching a host', () => {
  let server: Server;
  let port = 0;
  let asked = '';
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        asked += chunk.toString();
        if (asked.includes('\r\n\r\n')) socket.end('HTTP/1.1 200 Connection established\r\n\r\n');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((done) => server.close(done)));
  const here = () => ({
    WANDB_BASE_URL: `http://127.0.0.1:${port}`,
    HF_ENDPOINT: `http://127.0.0.1:${port}`,
  });
  const nowhere = { WANDB_BASE_URL: 'http://127.0.0.1:1', HF_ENDPOINT: 'http://127.0.0.1:1' };

  it('is ok when the hosts answer', async () => {
    const found = await run('hosts', { env: here() });
    expect([status('hosts', found), found.facts.get('hf_reached')]).toEqual(['ok', 'direct']);
  });

  it('goes through the proxy of the variables, and shows its password to nobody', async () => {
    const env = { WANDB_BASE_URL: 'https://127.0.0.1:1', HF_ENDPOINT: 'https://127.0.0.1:1' };
    const found = await run('hosts', {
      env: { ...env, https_proxy: `http://me:pa55word@127.0.0.1:${port}` },
    });
    expect(found.facts.get('wandb_reached')).toBe('proxy');
    expect(asked).toContain('CONNECT 127.0.0.1:1 HTTP/1.1');
    expect(asked + found.output).not.toContain('pa55word');
  });

  it('lets the proxy for http fetch what is not encrypted', async () => {
    const found = await run('hosts', { env: { ...nowhere, http_proxy: `http://127.0.0.1:${port}` } });
    expect(found.facts.get('hf_reached')).toBe('proxy');
    expect(asked).toContain('HEAD http://127.0.0.1:1/ HTTP/1.1');
  });

  it.each(['127.0.0.1', '*.0.1', '127.0.0.1:1', 'other,.0.0.1', '*'])(
    'goes past it for no_proxy=%s',
    async (no) => {
      const env = { ...here(), http_proxy: 'http://127.0.0.1:1', no_proxy: no };
      expect((await run('hosts', { env })).facts.get('hf_reached')).toBe('direct');
    },
  );

  it('does not know what is behind a SOCKS proxy', async () => {
    const found = await run('hosts', { env: { ...nowhere, all_proxy: `socks5h://127.0.0.1:${port}` } });
    expect([status('hosts', found), firing('hosts', found)]).toEqual(['unknown', []]);
  });

  it('is critical when nothing answers, and not when nothing is needed', async () => {
    const needed = { ...nowhere, CHECK_WANDB: 'yes', CHECK_HF: 'yes' };
    const found = await Promise.all([needed, nowhere].map((env) => run('hosts', { env })));
    expect(found.map((one) => firing('hosts', one))).toEqual([
      ['wandb_reached critical', 'hf_reached critical'],
      ['wandb_reached warning', 'hf_reached warning'],
    ]);
    const offline = { ...nowhere, WANDB_MODE: 'offline', HF_HUB_OFFLINE: '1' };
    expect(status('hosts', await run('hosts', { env: offline }))).toBe('ok');
  });

  it('says when the hub is off although it can be reached', async () => {
    const found = await run('hosts', { env: { ...here(), HF_HUB_OFFLINE: '1' } });
    expect(firing('hosts', found)).toEqual(['hf_reached warning']);
  });

  it('sees that the port of the rendezvous is taken', async () => {
    expect(firing('port', await run('port', { env: { MASTER_PORT: String(port) } }))).toContain(
      'port critical',
    );
  });
});

describe('a secret', () => {
  const SECRET = 'SECRETSECRETSECRETSECRETSECRETSECRETSECRET';
  it.each(checks.map((one) => one.id))('is not printed by %s', async (id) => {
    const found = await run(id, {
      env: {
        WANDB_API_KEY: SECRET,
        HF_TOKEN: `hf_${SECRET}`,
        HUGGING_FACE_HUB_TOKEN: SECRET,
        https_proxy: `http://u:${SECRET}@127.0.0.1:1`,
      },
    });
    expect(found.output).not.toContain(SECRET);
  });
});
