import { checkRevocation } from './client-tls-checks.ts';
import type { EnsembleConfig } from './members.ts';
import type { ConfigValues } from './schema.ts';
import { SETTINGS } from './schema.ts';
import { tlsFamilyOf } from './tls-family.ts';

/** The top byte of a session id holds the server's. */
const LARGEST_SID = 255;
/** TTL znodes take the top byte 0xff for their own (storage-formats reference). */
const LARGEST_SID_WITH_TTL = 254;

/**
 * What an ensemble's server needs beyond what each value shows alone.
 *
 * @param whereIs where a key was given, or null when it was not.
 */
export function checkEnsemble(
  ensemble: Omit<EnsembleConfig, 'observer'>,
  values: ConfigValues,
  whereIs: (key: string) => string | null,
  problems: string[],
  warnings: string[],
): void {
  const file = ensemble.dynamicConfigFile ?? 'the configuration';
  for (const name of ['initLimitTicks', 'syncLimitTicks'] as const) {
    const { key } = SETTINGS[name];
    if (values[name] === 0)
      problems.push(`${whereIs(key) ?? file}: ${key} is not set: expected a number of ticks above 0 in an ensemble`);
  }
  if (values.extendedTypesEnabled && ensemble.sid > LARGEST_SID_WITH_TTL) {
    const where = whereIs(SETTINGS.extendedTypesEnabled.key) ?? file;
    problems.push(
      `${where}: extendedTypesEnabled=true: expected a server id up to ${LARGEST_SID_WITH_TTL}, myid says ${ensemble.sid}`,
    );
  } else if (ensemble.sid > LARGEST_SID) {
    warnings.push(
      `${values.dataDir}/myid: ${ensemble.sid}: only its last byte tells session ids of different servers apart; use 1 to ${LARGEST_SID_WITH_TTL}`,
    );
  }
  checkAddresses(ensemble, values, whereIs, problems);
  checkIntervals(values, whereIs, problems);
  checkSasl(values, whereIs, problems);
  checkTls(values, whereIs, problems);
}

function checkAddresses(
  ensemble: Omit<EnsembleConfig, 'observer'>,
  values: ConfigValues,
  whereIs: (key: string) => string | null,
  problems: string[],
): void {
  const several = [...ensemble.membership.members.values()].find((member) => member.endpoints.length > 1);
  if (several !== undefined && !values.multiAddress) {
    problems.push(
      `${whereIs(SETTINGS.multiAddress.key) ?? 'by default'}: multiAddress.enabled=false: expected true, since server.${several.sid} has several addresses`,
    );
  }
  if (values.oraclePath !== null && ensemble.membership.voters.size !== 2) {
    problems.push(
      `${whereIs(SETTINGS.oraclePath.key)}: oraclePath: expected two participants, found ${ensemble.membership.voters.size}`,
    );
  }
}

function checkIntervals(values: ConfigValues, whereIs: (key: string) => string | null, problems: string[]): void {
  const { minNotificationIntervalMs: from, maxNotificationIntervalMs: to } = values;
  if (from <= to) return;
  const { key } = SETTINGS.minNotificationIntervalMs;
  const other = SETTINGS.maxNotificationIntervalMs.key;
  problems.push(
    `${whereIs(key) ?? 'by default'}: ${key}=${from}: expected at most ${other}, which is ${to} (${whereIs(other) ?? 'by default'})`,
  );
}

function checkSasl(values: ConfigValues, whereIs: (key: string) => string | null, problems: string[]): void {
  const { quorumSasl, quorumLearnerRequiresSasl: learner, quorumServerRequiresSasl: server } = values;
  const enable = SETTINGS.quorumSasl.key;
  for (const name of ['quorumLearnerRequiresSasl', 'quorumServerRequiresSasl'] as const) {
    const { key } = SETTINGS[name];
    if (values[name] && !quorumSasl) problems.push(`${whereIs(key)}: ${key}=true: expected ${enable}=true with it`);
  }
  if (server && !learner) {
    const { key } = SETTINGS.quorumServerRequiresSasl;
    problems.push(
      `${whereIs(key)}: ${key}=true: expected ${SETTINGS.quorumLearnerRequiresSasl.key}=true with it: servers could not connect to each other`,
    );
  }
  if (quorumSasl && values.loginConfig === null) {
    problems.push(
      `${whereIs(enable)}: ${enable}=true: expected ${SETTINGS.loginConfig.key}, the file with names and passwords`,
    );
  }
}

function checkTls(values: ConfigValues, whereIs: (key: string) => string | null, problems: string[]): void {
  if (!values.sslQuorum && !values.portUnification) return;
  const { key } = values.sslQuorum ? SETTINGS.sslQuorum : SETTINGS.portUnification;
  for (const name of ['quorumKeyStore', 'quorumTrustStore'] as const) {
    if (values[name] === null) problems.push(`${whereIs(key)}: ${key}=true: expected ${SETTINGS[name].key} with it`);
  }
  const where = (name: string): string => whereIs(name) ?? 'by default';
  checkRevocation(tlsFamilyOf(values, 'quorum'), 'ssl.quorum.', where, problems);
}
