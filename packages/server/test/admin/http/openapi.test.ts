import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openApi } from '../../../src/admin/http/openapi.ts';
import { OWN_LISTINGS } from '../../../src/admin/http/own-listings.ts';
import { READING_COMMANDS } from '../../../src/admin/http/reading-commands.ts';
import { READING_DESCRIPTIONS } from '../../../src/admin/http/reading-descriptions.ts';
import { AdminHarness } from './admin-harness.ts';

interface Path {
  readonly get?: { readonly 'x-aliases'?: readonly string[] };
  readonly post?: { readonly 'x-aliases'?: readonly string[] };
}

describe('the description of the HTTP server', { timeout: 60_000 }, () => {
  const harness = new AdminHarness();
  before(() => harness.start());
  after(() => harness.end());
  const fetched = async (): Promise<{ readonly paths: Readonly<Record<string, Path>> }> =>
    (await (await harness.fetch('/openapi.json')).json()) as { paths: Record<string, Path> };

  it('has every command that the server lists, and no other', async () => {
    const listed = [...(await (await harness.fetch('/commands')).text()).matchAll(/>(\w+)</g)].map(([, name]) => name);
    const { paths } = await fetched();
    const described = Object.keys(paths).flatMap((path) => /^\/commands\/(\w+)$/.exec(path)?.[1] ?? []);
    assert.deepEqual(described.sort(), listed.sort());
    assert.deepEqual(Object.keys(READING_DESCRIPTIONS).sort(), READING_COMMANDS.map(({ names }) => names[0]).sort());
    for (const path of ['/livez', '/readyz', '/metrics', '/openapi.json', '/commands']) assert.ok(path in paths, path);
  });

  it('is the one that the documentation holds', async () => {
    assert.deepEqual(await fetched(), JSON.parse(JSON.stringify(openApi('/commands', OWN_LISTINGS))));
  });

  it('names aliases that are answered', async () => {
    const { paths } = await fetched();
    const aliases = Object.values(paths).flatMap(({ get }) => get?.['x-aliases'] ?? []);
    assert.ok(aliases.length > 20);
    for (const alias of aliases) {
      const response = await harness.fetch(`/commands/${alias}`);
      assert.doesNotMatch(await response.text(), /Unknown command/, alias);
    }
  });
});
