/** One thing that is looked at; `fault` is null when it is well. */
export interface HealthCheck {
  readonly name: string;
  readonly fault: () => Promise<string | null>;
}

export interface HealthReport {
  readonly isWell: boolean;
  readonly text: string;
}

/** A check that has not answered by then counts as failed, milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Runs the checks of `/livez` or `/readyz` as etcd's are: `verbose` lists each, `exclude` leaves some out, and a name behind the
 * path asks for that one alone. null: there is no check of that name.
 */
export async function healthReport(
  checks: readonly HealthCheck[],
  only: string | null,
  query: URLSearchParams,
): Promise<HealthReport | null> {
  const excluded = new Set(query.getAll('exclude'));
  const wanted =
    only === null ? checks.filter(({ name }) => !excluded.has(name)) : checks.filter((one) => one.name === only);
  if (only !== null && wanted.length === 0) return null;
  const faults = await Promise.all(wanted.map(faultOf));
  const isWell = faults.every((fault) => fault === null);
  if (query.has('verbose')) {
    const lines = wanted.map(({ name }, i) =>
      faults[i] === null ? `[+]${name} ok` : `[-]${name} failed: ${faults[i]}`,
    );
    return { isWell, text: `${[...lines, isWell ? 'ok' : 'not well'].join('\n')}\n` };
  }
  const reasons = faults.filter((fault) => fault !== null);
  return { isWell, text: isWell ? 'ok\n' : `not ready: ${reasons.join('; ')}\n` };
}

async function faultOf({ fault }: HealthCheck): Promise<string | null> {
  let timer: NodeJS.Timeout | null = null;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
  });
  try {
    return await Promise.race([fault(), late]);
  } catch (error) {
    return (error as Error).message;
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
