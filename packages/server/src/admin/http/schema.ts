/** A JSON Schema, of the dialect that OpenAPI 3.1 uses. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

export const text: Schema = { type: 'string' };
export const whole: Schema = { type: 'integer' };
export const number: Schema = { type: 'number' };
export const yesOrNo: Schema = { type: 'boolean' };

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** Exactly these fields, all of them but those whose names end in `?`. */
export function fields(properties: Readonly<Record<string, Schema>>): Schema {
  const required: string[] = [];
  const named: Record<string, Schema> = {};
  for (const [name, schema] of Object.entries(properties)) {
    named[name.replace(/\?$/, '')] = schema;
    if (!name.endsWith('?')) required.push(name);
  }
  return { type: 'object', properties: named, required, additionalProperties: false };
}

/** Fields named by what they are about: ids, paths, times. */
export function named(schema: Schema): Schema {
  return { type: 'object', additionalProperties: schema };
}
