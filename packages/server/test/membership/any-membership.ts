import fc from 'fast-check';
import type { Hierarchy, Member, MembershipParts } from '../../src/core/membership/member.ts';

const PLAIN = { noNullPrototype: true } as const;
const port = fc.integer({ min: 1, max: 32767 });
const host = fc.oneof(fc.ipV4(), fc.domain(), fc.constantFrom('2001:db8:0:0:0:0:0:1', 'Zoo-1', 'fe80::1%eth0'));
const endpoint = fc
  .record({ host, quorumPort: port, distance: fc.integer({ min: 1, max: 32767 }) }, PLAIN)
  .map(({ host: name, quorumPort, distance }) => ({ host: name, quorumPort, electionPort: quorumPort + distance }));
const endpoints = fc
  .uniqueArray(endpoint, { minLength: 1, maxLength: 3, selector: (one) => one.host })
  .map((list) => list.sort((a, b) => (a.host < b.host ? -1 : 1)));
const member: fc.Arbitrary<Member> = fc.record(
  {
    sid: fc.oneof(fc.nat(9), fc.maxSafeNat()),
    endpoints,
    role: fc.constantFrom('participant' as const, 'observer' as const),
    client: fc.option(fc.record({ host, port }, PLAIN)),
  },
  PLAIN,
);

/** Each voter's group, and what every server weighs. */
const choices = fc.record({
  groups: fc.array(fc.nat(3), { minLength: 9, maxLength: 9 }),
  weights: fc.array(fc.nat(4), { minLength: 9, maxLength: 9 }),
});

/** Any membership with at least one voter, plain or hierarchical. */
export const anyParts: fc.Arbitrary<MembershipParts> = fc
  .record({
    list: fc
      .uniqueArray(member, { minLength: 1, maxLength: 7, selector: ({ sid }) => sid })
      .filter((list) => list.some(({ role }) => role === 'participant')),
    groups: fc.option(choices),
    version: fc.maxSafeNat(),
  })
  .map(({ list, groups, version }) => {
    const sorted = list.sort((a, b) => a.sid - b.sid);
    const members = new Map(sorted.map((one) => [one.sid, one]));
    return { members, hierarchy: groups === null ? null : hierarchyOf(sorted, groups), version };
  });

function hierarchyOf(
  members: readonly Member[],
  chosen: { readonly groups: readonly number[]; readonly weights: readonly number[] },
): Hierarchy {
  const weights = new Map<number, number>();
  const groups = new Map<number, number[]>();
  for (const [i, { sid, role }] of members.entries()) {
    // Observers with a weight are taken into a group now and then.
    if (role === 'observer' && (chosen.weights[i] ?? 0) < 3) continue;
    const gid = chosen.groups[i] ?? 0;
    groups.set(gid, [...(groups.get(gid) ?? []), sid]);
    weights.set(sid, chosen.weights[i] ?? 1);
  }
  return { groups: new Map([...groups].sort(([a], [b]) => a - b)), weights };
}
