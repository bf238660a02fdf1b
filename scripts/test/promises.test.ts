import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { projectRoot } from '../project-files.ts';

const PAGE = readFileSync(join(projectRoot, 'docs/guides/promises.md'), 'utf8');

/** The cells of the tables that have a column for tests, without their heads. */
function rows(): string[][] {
  const found: string[][] = [];
  let width = 0;
  for (const line of PAGE.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .slice(1, -1)
          .split(' | ')
          .map((cell) => cell.trim())
      : [];
    if (cells.at(-1) === 'test') width = cells.length;
    else if (cells.length === 0) width = 0;
    else if (width > 0 && !cells.every((cell) => /^\|? ?-+/.test(cell))) found.push(cells);
  }
  return found;
}

/** What stands between backticks. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, inner]) => inner as string);
}

it('each promise names its test, and the test is there', () => {
  const found = rows();
  assert.ok(found.length >= 20, `${found.length} rows`);
  const folder = join(projectRoot, 'interop/chaos');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const chaos = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  for (const cells of found) {
    const test = cells.at(-1) ?? '';
    assert.match(test, /\.test\.ts|\.js|simulator|chaos|disk matrix|helical/, cells[0]);
    for (const name of quoted(test)) {
      if (/\.(ts|js)$/.test(name)) assert.ok(existsSync(join(projectRoot, name)), `${name}, of: ${cells[0]}`);
      else if (!name.startsWith('npm ') && !name.startsWith('--')) {
        const [known] = name.split('…') as [string];
        assert.ok(chaos.includes(known.trim()), `${name}, of: ${cells[0]}`);
      }
    }
  }
});
