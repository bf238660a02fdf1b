import { stringify } from 'yaml';
import type { Znode } from '../history/znode.ts';
import { type ExportHead, exportedZnode } from './exported.ts';

/** An export as JSON, one znode a line. */
export function* jsonExport(head: ExportHead, znodes: Iterable<Znode>, top: string): Generator<string> {
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "znodes": [`;
  let separator = '\n    ';
  for (const znode of znodes) {
    yield separator + JSON.stringify(exportedZnode(znode, top));
    separator = ',\n    ';
  }
  yield '\n  ]\n}\n';
}

/** An export as YAML 1.2: the same fields. */
export function* yamlExport(head: ExportHead, znodes: Iterable<Znode>, top: string): Generator<string> {
  yield `${stringify(head)}znodes:\n`;
  for (const znode of znodes) {
    // Lines are not folded, and nothing is written as a reference to something before.
    yield stringify([exportedZnode(znode, top)], { aliasDuplicateObjects: false, lineWidth: 0 });
  }
}
