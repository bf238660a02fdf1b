/** The table that compare prints. */

import type { Judged, Row } from './rows.ts';

const figure = (row: Row, value: number | undefined): string =>
  value === undefined ? '-' : value.toFixed(row.unit === 'ms' && value < 100 ? 1 : 0);

function goal(row: Row): string {
  if (row.judged === 'ratio') return `>= ${row.target}x`;
  if (row.judged === 'floor') return `>= ${row.target} ${row.unit}`;
  if (row.judged === 'limit') return `<= ${row.target} ${row.unit}`;
  const besides = row.atMost === undefined ? '' : `, <= ${row.atMost} ${row.unit}`;
  return `<= ${row.target.toFixed(2)}x${besides}`;
}

/** A Markdown table, one line a row. */
export function table(judged: readonly Judged[]): string {
  const cells = [
    ['work', 'unit', 'Apache', 'Headkeeper', 'ratio', 'target', 'verdict'],
    ...judged.map(({ row, apache, headkeeper, ratio, verdict }) => [
      row.title,
      row.unit,
      figure(row, apache),
      figure(row, headkeeper),
      ratio === undefined ? '-' : `${ratio.toFixed(2)}x`,
      goal(row),
      verdict,
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, column) => (column < 2 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join('\n');
}
