import { counterOf, epochOf } from '@headkeeper/protocol';
import type { EnsembleFacts, ObserverFacts } from '../ensemble-facts.ts';
import type { JsonFields } from './json-text.ts';

/** Who leads; a standalone server has nothing to say. */
export function leader(facts: EnsembleFacts | null): JsonFields {
  if (facts === null) return { error: 'server is not initialized' };
  const { leaderSid, membership, sid } = facts;
  const leading = leaderSid === null ? undefined : membership.members.get(leaderSid);
  if (leaderSid === null) return { is_leader: false, leader_id: null, leader_ip: '' };
  return { is_leader: leaderSid === sid, leader_id: leaderSid, leader_ip: leading?.endpoints[0]?.host ?? '' };
}

/** How far this server is in the protocol. The epoch and counter are those of its last zxid. */
export function zabState(facts: EnsembleFacts | null, lastZxid: number, clientPort: number): JsonFields {
  if (facts === null) return { voting: false, zabstate: '' };
  const own = facts.membership.members.get(facts.sid);
  const epoch = epochOf(lastZxid);
  return {
    myid: facts.sid,
    is_leader: facts.role === 'leader',
    quorum_address: addressSet(own?.endpoints.map(({ host, quorumPort }) => [host, quorumPort]) ?? []),
    election_address: addressSet(own?.endpoints.map(({ host, electionPort }) => [host, electionPort]) ?? []),
    client_address: own?.client ? `${own.client.host}:${own.client.port}` : `0.0.0.0:${clientPort}`,
    voting: own?.role === 'participant',
    last_zxid: `0x${lastZxid.toString(16)}`,
    zab_epoch: epoch,
    zab_counter: counterOf(lastZxid),
    zabstate: facts.phase,
  };
}

/** The members that vote. */
export function votingView(facts: EnsembleFacts | null): JsonFields {
  const members: Record<string, JsonFields> = {};
  for (const member of facts?.membership.members.values() ?? []) {
    if (member.role !== 'participant') continue;
    members[String(member.sid)] = {
      server_addresses: member.endpoints.map(({ host, quorumPort }) => `${host}:${quorumPort}`),
      election_addresses: member.endpoints.map(({ host, electionPort }) => `${host}:${electionPort}`),
      client_address: member.client === null ? '' : `${member.client.host}:${member.client.port}`,
      learner_type: member.role,
    };
  }
  return { current_config: members };
}

/** Observers that this server serves; all who are connected, in sync or not. */
export function observers(facts: EnsembleFacts | null): JsonFields {
  const connected = facts?.leading?.observers ?? [];
  return {
    synced_observers: facts?.leading?.syncedObservers ?? facts?.hostedObservers ?? 0,
    observers: connected.map(observer),
  };
}

/** Apache counts packets, too; Headkeeper does not, and says nothing of them. */
function observer({ address, sid, establishedAt, queuedBytes }: ObserverFacts): JsonFields {
  return { remote_socket_address: `/${address}`, sid, established: establishedAt, queued_packets_size: queuedBytes };
}

/** Apache's server shows every getter of its address set; whether one answers is not tried here, so all count as reachable. */
function addressSet(addresses: readonly (readonly [host: string, port: number])[]): JsonFields {
  const texts = addresses.map(([host, port]) => `${host}:${port}`);
  return {
    empty: texts.length === 0,
    all_addresses: texts,
    wildcard_addresses: addresses.map(([, port]) => `0.0.0.0:${port}`),
    all_ports: addresses.map(([, port]) => port),
    all_host_strings: addresses.map(([host]) => host),
    reachable_address: texts[0] ?? null,
    all_reachable_addresses: texts,
    all_reachable_addresses_or_all: texts,
    reachable_or_one: texts[0] ?? null,
    one: texts[0] ?? null,
  };
}
