import { holdsSecret, looksRandom, namesSecret } from '../system/secrets.ts';

/**
 * Before `_token`, whose key it is. What a model reads and writes is called a token as well (`--image_token`, `--step_tag_token`,
 * `--fim-prefix-token`), in more words than can be listed: of these the value decides.
 */
const OWNER =
  /(?:^|_)(?:hub|hf|huggingface|modelscope|openmind|access|auth|authorization|api|app|bearer|refresh|session|security|secret|csrf|jwt|oauth|oidc|id|identity|client|private|personal|account|service|admin|login|bot|webhook|deploy|registry|vault|git|github|gitlab|gitea|bitbucket|npm|pypi|docker|wandb|swanlab|mlflow|comet|neptune|clearml|openai|anthropic|gemini|google|gcp|azure|aws|s3|oss|minio|slack|telegram|discord|feishu|lark|dingtalk|wechat|wecom|pagerduty|sentry|grafana|influxdb?|consul|k8s|kube|kubernetes|jupyter|notebook|databricks|kaggle|replicate|runpod|ngrok|cloudflare)_token$/i;

/** That there is no key; vLLM and its clients want `EMPTY` where a server asks for none. */
const NONE = /^(?:|\*+|\u2026|\.{3,}|null|none|true|false|undefined|empty|dummy|\d{1,3})$/i;
/** Where the key comes from, or what is to be put there, and nothing beside it: of a shell, OmegaConf, a template, a person. */
const ELSEWHERE =
  /^(?:\$[A-Za-z_]\w*|\$\{[A-Za-z_][\w.]*(?::(?:\?[^{}]*|-|[A-Za-z_]\w*(?:,(?:null|''|"")?)?))?\}|\$\((?:cat|<) ?[\w./~${}-]+\)|%[A-Za-z_]\w*%|\{\{ ?[\w.]+ ?\}\}|<[^<>]*>|\[[^[\]]*\])$/;

/** `name=value`, `'name': 'value'` and `{name: value}` within one word: its name, how that is quoted, what follows it, the value. */
const PAIR =
  /(?<![\w.-])(["']?)([A-Za-z_][\w.-]{0,80})\1\s{0,20}([=:])\s{0,20}[[(]?(?:"([^"]*)"|'([^']*)'|\{{1,2}([^\s{}"':,]*)\}|((?:\$\{[^{}]*\}|\$\([^()]*\)|[^\s"',;&{}[\]()])+))/g;
const STRUCTURE = /^\s*(?:[[(]|\{(?![{%]))/;

/**
 * Whether a value that somebody typed is a key, or has one in it: what is refused, for it would stand in the script, in the
 * manifest and in Slurm's records. By name and value: under a name for keys everything is one that is not known to be none;
 * under another only what has the look of a key. What is blackened in text goes by other rules (`redact`), because there
 * a value has been cut out of its surroundings.
 * @param name of the flag or parameter, with or without its dashes.
 */
export function isTypedKey(name: string, value: string): boolean {
  return (
    isKeyUnder(name, value) || holdsSecret(value, name) || pairsIn(value).some((pair) => isKeyUnder(...pair))
  );
}

/** Whether a value is a key because of the name that it stands under, where that speaks of one. */
export function isKeyUnder(name: string, value: string): boolean {
  if (!namesSecret(name)) return false;
  const plain = name.replace(/[.-]/g, '_');
  if (/[^_]_token$/i.test(plain) && !OWNER.test(plain)) return looksRandom(value);
  return !NONE.test(value) && (!ELSEWHERE.test(value) || looksRandom(value));
}

/** A colon in prose is no assignment: it counts within brackets or behind a name in quotes. */
function pairsIn(word: string): [name: string, value: string][] {
  const isStructure = STRUCTURE.test(word);
  return [...word.matchAll(PAIR)].flatMap(([, quote, name = '', sign, ...values]): [string, string][] =>
    sign === '=' || quote || isStructure ? [[name, values.find((value) => value !== undefined) ?? '']] : [],
  );
}
