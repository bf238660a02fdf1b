/** A `server.N` line of a configuration. */
export interface MemberLine {
  readonly key: string;
  readonly value: string;
  readonly where: string;
}

export function isMemberKey(key: string): boolean {
  return /^server\.\d+$/.test(key) || key === 'dynamicConfigFile';
}

/**
 * Judges the members of an ensemble that a configuration names: none, or a single one while `standaloneEnabled` holds, make
 * a standalone server; anything else is refused, because Headkeeper runs no ensembles yet.
 *
 * @returns the client port out of a single member's line (`...;[host:]port`), as an assignment of clientPort.
 */
export function checkMembers(
  members: readonly MemberLine[],
  standaloneEnabled: boolean,
  problems: string[],
  warnings: string[],
): MemberLine | undefined {
  const first = members[0];
  if (first === undefined) return undefined;
  const dynamic = members.find((member) => member.key === 'dynamicConfigFile');
  if (dynamic !== undefined) {
    problems.push(`${dynamic.where}: dynamicConfigFile: ensembles are not supported yet, expected a standalone server`);
    return undefined;
  }
  const servers = new Map(members.map((member) => [member.key, member]));
  if (servers.size > 1 || !standaloneEnabled) {
    const names = [...servers.keys()].join(', ');
    problems.push(`${first.where}: ${names}: ensembles are not supported yet, expected a standalone server`);
    return undefined;
  }
  warnings.push(`${first.where}: ${first.key} is the only server: running standalone`);
  const port = /;(?:.*:)?(\d+)$/.exec(first.value)?.[1];
  return port === undefined ? undefined : { key: 'clientPort', value: port, where: first.where };
}
