/**
 * The OpenAPI description of the operators' HTTP server before real validators: it is sound, and what the server answers to each
 * command is what it says.
 *
 *   node interop/dist/operator/api-description.js
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '@headkeeper/testkit';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { run } from '../peers/command.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { installSchemaJudges } from '../peers/json-schema.ts';
import { programOptions } from '../peers/program-options.ts';

/** Reads description and answers; prints one line for each fault. */
const JUDGE = `
import json, sys
from openapi_spec_validator import validate
from jsonschema import Draft202012Validator
description = json.load(open(sys.argv[1]))
validate(description)
for answer in json.load(open(sys.argv[2])):
    operation = description['paths'][answer['path']][answer['method'].lower()]
    response = operation['responses'].get(str(answer['status']))
    if response is None:
        print(answer['path'], answer['method'], 'status', answer['status'], 'is not described')
        continue
    schema = dict(response['content']['application/json']['schema'], components=description['components'])
    for error in Draft202012Validator(schema).iter_errors(json.loads(answer['text'])):
        print(answer['path'], answer['method'], error.message[:500], [e.message[:200] for e in error.context])
`;

interface Answer {
  readonly path: string;
  readonly method: string;
  readonly status: number;
  readonly text: string;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

export async function judgeDescription(tell: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps("description of the operators' commands", tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-api-'));
  const description = join(folder, 'api.json');
  const answers = join(folder, 'answers.json');
  let python = '';
  const faults = async (): Promise<string[]> => {
    const found = await run([python, '-c', JUDGE, description, answers]);
    return found.split('\n').filter((line) => line !== '');
  };
  try {
    await steps.step('the judges', async () => {
      python = await installSchemaJudges();
    });
    await steps.step('every answer of a server', async () => {
      const port = await freePort();
      const settings = { 'admin.enableServer': 'true', 'admin.serverPort': String(port) };
      const server = await startHeadkeeper({ dataDir: join(folder, 'alone'), extraConfig: settings });
      const session = new EnsembleSession('watcher', { ports: [server.port] });
      try {
        const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
        await session.ask('create', { path: '/e', data: new Uint8Array(0), acl, flags: 1 });
        await session.ask('getData', { path: '/e', watch: true });
        const base = `http://127.0.0.1:${port}`;
        const text = await (await fetch(`${base}/openapi.json`)).text();
        writeFileSync(description, text);
        const found = await allAnswers(base, JSON.parse(text) as Description);
        writeFileSync(answers, JSON.stringify(found));
        steps.note(`${found.length} answers`);
        return found.length < 50 ? ['too few answers'] : await faults();
      } finally {
        session.end();
        await server.stop();
      }
    });
    await steps.step('a judge that sees nothing has failed itself', async () => {
      const planted = { path: '/commands/dirs', method: 'GET', status: 200, text: '{"datadir_size": "much"}' };
      writeFileSync(answers, JSON.stringify([planted]));
      return (await faults()).length === 0 ? ['a wrong answer was taken for right'] : [];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return steps.outcome();
}

/** Every answer in JSON, without credentials and with some. */
async function allAnswers(base: string, description: Description): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [path, operations] of Object.entries(description.paths)) {
    if (!path.startsWith('/commands/')) continue;
    for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
      for (const headers of [{}, { Authorization: 'ip' }]) {
        const response = await fetch(`${base}${path}`, { method, headers });
        const text = await response.text();
        if (response.headers.get('content-type') !== 'application/json') continue;
        answers.push({ path, method, status: response.status, text });
      }
    }
  }
  return answers;
}

if (process.argv[1]?.endsWith('operator/api-description.js')) {
  programOptions(import.meta.filename, {});
  const { passed, faults } = await judgeDescription((line) => console.log(line));
  console.log(`${passed.length} passed, ${faults.length} failed`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
