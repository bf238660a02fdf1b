import { readWhole } from '../adapters/disk/recovery-files.ts';
import type { PeerAuthenticator } from '../adapters/peer/peer-authenticator.ts';
import { QuorumSasl } from '../adapters/peer/quorum-sasl.ts';
import { JaasError, type JaasSection, learnerCredentials, parseJaas, serverUsers } from '../adapters/sasl/jaas-file.ts';
import { ConfigError } from '../config/config-error.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { Disk } from '../ports.ts';

/**
 * How servers prove to each other who they are by SASL, or null when they do not (`quorum.auth.enableSasl`).
 *
 * @throws ConfigError when the JAAS file cannot be read, or has not the sections that are needed.
 */
export function peerAuthenticator(config: ServerConfig, disk: Disk): PeerAuthenticator | null {
  const { loginConfig: file } = config;
  if (!config.quorumSasl || file === null) return null;
  try {
    const sections = readSections(disk, file);
    return new QuorumSasl({
      learner: config.quorumLearnerRequiresSasl ? learnerCredentials(sections, config.quorumLearnerLoginContext) : null,
      users: serverUsers(sections, config.quorumServerLoginContext),
      isRequired: config.quorumServerRequiresSasl,
    });
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
}

/** Whether nobody can speak to this server as another server of the ensemble without proving who he is. */
export function arePeersProved(config: ServerConfig): boolean {
  const bySasl = config.quorumSasl && config.quorumServerRequiresSasl;
  return bySasl || (config.sslQuorum && !config.portUnification && config.quorumClientAuth === 'need');
}

function readSections(disk: Disk, file: string): Map<string, JaasSection> {
  if (!disk.existsSync(file)) throw new JaasError('expected a JAAS file, there is none');
  return parseJaas(new TextDecoder().decode(readWhole(disk, file)));
}
