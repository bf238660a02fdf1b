import { HEADKEEPER_VERSION } from '../version.ts';
import type { CommandDescription, OwnCommand } from './command.ts';
import type { JsonFields } from './json-text.ts';
import { READING_COMMANDS } from './reading-commands.ts';
import { READING_DESCRIPTIONS } from './reading-descriptions.ts';
import { list, orNull, type Schema, text } from './schema.ts';

/** A command as the description shows it. */
export type DescribedCommand = Pick<OwnCommand, 'names' | 'describe'>;

const PLAIN = { 'text/plain': { schema: text } };

/** What `command` and `error` say beside the fields of each answer; the fields are missing when there is an error. */
const ENVELOPE: Schema = {
  type: 'object',
  properties: { command: text, error: orNull(text) },
  required: ['command', 'error'],
};

/** The OpenAPI 3.1 description of the operators' HTTP server. */
export function openApi(commandUrl: string, own: readonly DescribedCommand[]): JsonFields {
  const paths: Record<string, unknown> = {
    '/livez': { get: health('Whether the process answers') },
    '/livez/{check}': { get: oneCheck('One check of /livez') },
    '/readyz': { get: health('Whether clients are served for reading and writing') },
    '/readyz/{check}': { get: oneCheck('One check of /readyz') },
    '/metrics': {
      get: {
        summary: 'Everything that is measured, for Prometheus',
        responses: { 200: { description: 'the exposition', content: PLAIN } },
      },
    },
    '/openapi.json': { get: { summary: 'This description', responses: answers({ type: 'object' }) } },
    [commandUrl]: {
      get: {
        summary: 'The commands, as links',
        responses: { 200: { description: 'a page', content: { 'text/html': { schema: text } } } },
      },
    },
  };
  for (const { names } of READING_COMMANDS) {
    const description = READING_DESCRIPTIONS[names[0]];
    if (description !== undefined) paths[`${commandUrl}/${names[0]}`] = { get: operation(description, names) };
  }
  for (const { names, describe } of own) {
    const path: Record<string, unknown> = {};
    for (const [method, description] of Object.entries(describe)) {
      path[method.toLowerCase()] = operation(description, names);
    }
    paths[`${commandUrl}/${names[0]}`] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headkeeper: commands for operators',
      version: HEADKEEPER_VERSION,
      description: "The commands of Apache ZooKeeper's AdminServer, and those that only Headkeeper has.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Envelope: ENVELOPE },
      securitySchemes: {
        credentials: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: '`digest USER:PASSWORD`, `x509` with a client certificate, or `ip`',
        },
      },
    },
    // It is plain data.
  } as unknown as JsonFields;
}

function operation(description: CommandDescription, names: readonly string[]): Schema {
  const { summary, parameters = [], statuses = {}, streams, takes, answer } = description;
  const [, ...aliases] = names;
  const responses: Record<string, unknown> = answers(answer, streams);
  for (const [status, why] of Object.entries(statuses)) {
    responses[status] = { description: why, content: { 'application/json': { schema: ENVELOPE_REF } } };
  }
  return {
    summary,
    ...(aliases.length === 0 ? {} : { 'x-aliases': aliases }),
    ...(statuses[401] === undefined ? {} : { security: [{ credentials: [] }] }),
    ...(parameters.length === 0
      ? {}
      : { parameters: parameters.map((one) => ({ ...one, required: one.required ?? false, in: 'query' })) }),
    ...(takes === undefined ? {} : { requestBody: { required: true, content: { [takes]: { schema: {} } } } }),
    responses,
  };
}

const ENVELOPE_REF: Schema = { $ref: '#/components/schemas/Envelope' };

/** An answer has the fields that are described, or says in `error` why not: as on Apache's with status 200 in both cases. */
function answers(answer: Schema, streams?: string): Record<string, unknown> {
  if (streams !== undefined) {
    return {
      200: {
        description: 'done',
        content: { [streams]: { schema: {} }, 'application/json': { schema: ENVELOPE_REF } },
      },
    };
  }
  return { 200: { description: 'done', content: { 'application/json': { schema: withEnvelope(answer) } } } };
}

function withEnvelope(answer: Schema): Schema {
  if (answer.properties === undefined && answer.additionalProperties === undefined) return answer;
  const error = {
    type: 'object',
    properties: { command: text, error: text },
    required: ['command', 'error'],
    additionalProperties: false,
  };
  const { properties = {}, required = [] } = answer as {
    properties?: Record<string, Schema>;
    required?: readonly string[];
  };
  const done = {
    ...answer,
    properties: { ...properties, command: text, error: orNull(text) },
    required: [...required, 'command', 'error'],
  };
  return { anyOf: [done, error] };
}

function health(summary: string): Schema {
  return {
    summary,
    parameters: [
      {
        name: 'verbose',
        in: 'query',
        required: false,
        schema: text,
        description: 'lists each check',
        allowEmptyValue: true,
      },
      { name: 'exclude', in: 'query', required: false, schema: list(text), description: 'checks to leave out' },
    ],
    responses: {
      200: { description: 'yes', content: PLAIN },
      503: { description: 'no, and why', content: PLAIN },
    },
  };
}

function oneCheck(summary: string): Schema {
  return {
    summary,
    parameters: [{ name: 'check', in: 'path', required: true, schema: text, description: 'its name' }],
    responses: {
      200: { description: 'yes', content: PLAIN },
      404: { description: 'there is no such check', content: PLAIN },
      503: { description: 'no, and why', content: PLAIN },
    },
  };
}
