import { differenceJson, differenceText } from '../history/difference-text.ts';
import type { WritePlan } from './write-plan.ts';

/** The plan for people: its differences, what is left alone and why, and the numbers. */
export function planText({ differences, left }: WritePlan): string {
  const counts = { added: 0, removed: 0, changed: 0 };
  let text = '';
  for (const difference of differences) {
    counts[difference.kind]++;
    text += differenceText(difference);
  }
  for (const { path, why } of left) text += `! ${path} is left alone: ${why}\n`;
  return `${text}${counts.added} to create, ${counts.removed} to delete, ${counts.changed} to change\n`;
}

/** One JSON object a line. */
export function planJson({ differences, left }: WritePlan): string {
  const lines = [
    ...differences.map(differenceJson),
    ...left.map(({ path, why }) => ({ change: 'left-alone', path, why })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
