import { type Difference, renderDifference } from './difference.ts';
import type { RunResult } from './run.ts';

/** Differences with the same signature and the same explanation, or none. */
export interface DifferenceKind {
  readonly signature: string;
  readonly explained: string | null;
  readonly count: number;
  readonly first: Difference;
}

export function summarise(differences: readonly Difference[]): DifferenceKind[] {
  const kinds = new Map<string, DifferenceKind>();
  for (const difference of differences) {
    const { signature, explained } = difference;
    const key = `${explained ?? ''} ${signature}`;
    const known = kinds.get(key);
    kinds.set(key, { signature, explained, count: (known?.count ?? 0) + 1, first: known?.first ?? difference });
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
}

export function renderReport(
  seed: number,
  seconds: number,
  result: RunResult,
  kinds: readonly DifferenceKind[],
): string {
  const rate = Math.round(result.steps / seconds);
  const explained = kinds.filter((kind) => kind.explained !== null);
  const open = kinds.filter((kind) => kind.explained === null);
  const requests = [...result.requests].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
  const outcomes = [...result.outcomes].sort().map(([name, count]) => `${name} ${count}`);
  const lines = [
    `seed ${seed}: ${result.steps} steps in ${seconds.toFixed(1)} s (${rate}/s), ${result.events} watch events`,
    `  requests: ${requests.join(', ')}`,
    `  answers: ${outcomes.join(', ')}`,
    `  ${result.differences.length} differences: ${open.length} kinds unexplained, ${explained.length} kinds explained`,
  ];
  for (const kind of explained) lines.push(`  explained (${kind.explained}) ${kind.count}x ${kind.signature}`);
  for (const kind of open) lines.push(`  UNEXPLAINED ${kind.count}x ${kind.signature}`);
  for (const kind of open) lines.push('', renderDifference(kind.first));
  return lines.join('\n');
}
