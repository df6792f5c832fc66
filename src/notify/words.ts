import type { Severity } from '../alert/alert.ts';
import type { Message } from '../alert/message.ts';

/** The words of a message, in one language. What is found (summaries, evidence, commands) stays as it was found. */
export interface Words {
  readonly severity: Readonly<Record<Severity, string>>;
  readonly reason: Readonly<Record<Message['reason'], string>>;
  readonly cleared: string;
  readonly test: string;
  readonly since: string;
  readonly runs: string;
  readonly nodes: string;
  readonly evidence: string;
  readonly type: string;
  readonly over: string;
  readonly more: (count: number) => string;
  readonly dropped: (count: number) => string;
  readonly footer: string;
}

const EN: Words = {
  severity: { info: 'INFO', warning: 'WARNING', critical: 'CRITICAL' },
  reason: {
    first: 'New.',
    worse: 'More severe than before.',
    more: 'It has spread.',
    repeat: 'Still so; nothing has changed.',
    resolved: 'All of it is over.',
    test: 'A test: nothing is wrong. This receiver works.',
  },
  cleared: 'CLEARED',
  test: 'TEST',
  since: 'since',
  runs: 'Runs',
  nodes: 'Nodes',
  evidence: 'Evidence',
  type: 'Type',
  over: 'Over',
  more: (count) => `and ${count} more`,
  dropped: (count) => `${count} earlier message(s) to this receiver could not be delivered and were dropped.`,
  footer: 'Sent by opsctl. To keep it from telling this: opsctl silence add --help',
};

const ZH: Words = {
  severity: { info: '提示', warning: '警告', critical: '严重' },
  reason: {
    first: '新告警。',
    worse: '比之前更严重。',
    more: '影响范围扩大。',
    repeat: '仍未恢复，情况没有变化。',
    resolved: '已全部恢复。',
    test: '这是测试：没有故障，此接收方可用。',
  },
  cleared: '已恢复',
  test: '测试',
  since: '开始于',
  runs: '任务',
  nodes: '节点',
  evidence: '证据',
  type: '请输入',
  over: '已恢复',
  more: (count) => `等，另有 ${count} 个`,
  dropped: (count) => `此前有 ${count} 条发给此接收方的消息未能送达，已丢弃。`,
  footer: '由 opsctl 发送。如需静默：opsctl silence add --help',
};

export function wordsOf(language: 'en' | 'zh'): Words {
  return language === 'zh' ? ZH : EN;
}
