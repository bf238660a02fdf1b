/**
 * A check of one value, as Zod, Valibot, ArkType and others have it (standardschema.dev), or a function that throws.
 */
export type ValueSchema<Value = unknown> = StandardSchema<Value> | ((value: unknown) => Value);

/** The part of the Standard Schema that is needed here. */
export interface StandardSchema<Value = unknown> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
    readonly types?: { readonly output: Value } | undefined;
  };
}

export type SchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A check for each key that the configuration may have. */
export type ConfigSchema = Readonly<Record<string, ValueSchema>>;

/** The type of a configuration of this schema. */
export type ConfigOf<Schema extends ConfigSchema> = {
  readonly [Key in keyof Schema]: Schema[Key] extends ValueSchema<infer Value> ? Value : never;
};

/** A value that its schema refuses. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
}

/** A configuration was not stored. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ key, message }) => `${key}: ${message}`).join('; '));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The value as its schema gives it, or what is wrong with it. */
export async function checkValue(
  schema: ConfigSchema,
  key: string,
  value: unknown,
): Promise<{ readonly value: unknown } | ConfigProblem> {
  const check = Object.hasOwn(schema, key) ? schema[key] : undefined;
  if (check === undefined)
    return { key, message: `is no key of this configuration (${Object.keys(schema).join(', ')})` };
  try {
    if (typeof check === 'function') return { value: check(value) };
    const result = await check['~standard'].validate(value);
    if (result.issues === undefined) return { value: result.value };
    return { key, message: result.issues.map(({ message }) => message).join(', ') };
  } catch (error) {
    return { key, message: error instanceof Error ? error.message : String(error) };
  }
}
