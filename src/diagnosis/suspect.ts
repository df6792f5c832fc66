import type { SourceReading } from './finding.ts';
import type { Line } from './prefix.ts';

/** The rank that the others probably waited for. */
export interface Suspect {
  readonly rank: number;
  readonly node: string | null;
  readonly why: string;
}

/** How far one rank came: the number of the last collective that it completed. */
export interface RankWork {
  readonly rank: number;
  readonly node: string | null;
  readonly completed: number;
}

/** torch prints it when a collective times out: "last completed NCCL work: 3118", -1 for none. */
const COMPLETED = /last completed (?:NCCL )?work: (-?\d{1,15})/;

export function rankWork({ text, rank, node }: Line): RankWork | undefined {
  const completed = COMPLETED.exec(text)?.[1];
  return completed === undefined || rank === null ? undefined : { rank, node, completed: Number(completed) };
}

/**
 * Who to look at where only consequences are left: the rank that completed least, when one stands out; else the one
 * that complained first. Pure.
 */
export function suspectOf(readings: readonly SourceReading[]): Suspect | null {
  const works = readings.flatMap(({ work }) => work).sort((a, b) => a.completed - b.completed);
  const [least, next] = works;
  if (least && next && least.completed < next.completed) {
    const { rank, node, completed } = least;
    return {
      rank,
      node,
      why: `it completed ${completed} collectives, every other rank at least ${next.completed}`,
    };
  }
  const complaints = readings
    .flatMap(({ findings }) => findings)
    .filter(({ survived, signature }) => !survived && signature.role !== 'confirmation')
    .sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1])
    .flatMap(({ evidence }) => evidence);
  const first = complaints.find(({ rank }) => rank !== null);
  if (first?.rank === undefined || first.rank === null) return null;
  return { rank: first.rank, node: first.node, why: 'it was the first to complain' };
}
