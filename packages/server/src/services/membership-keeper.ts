import { ConfigFiles } from '../adapters/disk/config-files.ts';
import { configFileForms } from '../config/dynamic-config.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { MembershipChange } from '../core/ready.ts';
import type { ConfigStore, Disk } from '../ports.ts';

/**
 * Keeps the membership of the ensemble in the files beside the configuration as it changes. Does nothing for a server
 * without a configuration file or with reconfiguration disabled.
 *
 * A file that cannot be written is reported and stops nothing, as with Apache's server: the server then begins its next
 * life with the members that it knew before, and learns the present ones from the others.
 *
 * @param failed hears of files that cannot be written.
 */
export function membershipKeeper(
  config: ServerConfig,
  disk: Disk,
  failed: (error: Error) => void,
): (change: MembershipChange) => void {
  const { ensemble, file } = config;
  if (ensemble === null || file === null || !config.reconfigEnabled) return () => {};
  let committed = ensemble.membership;
  let lastSeen = ensemble.lastSeen;
  const files = new ConfigFiles({
    disk,
    file,
    sid: ensemble.sid,
    lastSeenVersion: lastSeen === committed ? null : lastSeen.version,
    forms: configFileForms,
  });
  const guarded = (write: (store: ConfigStore) => void): void => {
    try {
      write(files);
    } catch (error) {
      failed(new Error(`the members of the ensemble could not be written beside ${file}: ${(error as Error).message}`));
    }
  };
  if (ensemble.dynamicConfigFile === null) guarded(() => files.backUp());
  /** Whether the files name members that have ever been in force. */
  let isMember = committed.version > 0;
  return (change) => {
    // A server that joins is not listed by the others yet: what its operator has written down lists it, and starts it again.
    isMember ||= change.committed.members.has(ensemble.sid) || change.lastSeen.members.has(ensemble.sid);
    if (!isMember) return;
    // The proposal first: it may be what lists this server.
    const isProposed =
      change.lastSeen.version !== lastSeen.version && change.lastSeen.version > change.committed.version;
    if (isProposed) guarded((store) => store.writeLastSeen(change.lastSeen));
    if (change.committed.version !== committed.version) guarded((store) => store.writeCommitted(change.committed));
    if (!isProposed && lastSeen.version > change.lastSeen.version && lastSeen.version > change.committed.version) {
      guarded((store) => store.dropLastSeen());
    }
    ({ committed, lastSeen } = change);
  };
}
