import type { ConfigValues } from './config-values.ts';
import type { QuorumSecurityValues } from './quorum-security-values.ts';
import { flag, type Setting, text } from './setting.ts';
import { tlsFamilySettings } from './tls-family.ts';

/** The rows of the settings by which servers trust each other (feature inventory, sections A.10 and A.11). */
export const QUORUM_SECURITY_SETTINGS: {
  readonly [Name in keyof QuorumSecurityValues]: Setting<QuorumSecurityValues[Name], ConfigValues>;
} = {
  sslQuorum: flag('sslQuorum', false, 'Whether connections between servers use TLS.'),
  portUnification: flag(
    'portUnification',
    false,
    'Whether the ports for other servers take plain connections beside TLS: the way to switch TLS on server by server.',
  ),
  sslQuorumReloadCertFiles: flag(
    'sslQuorumReloadCertFiles',
    false,
    'Whether certificates between servers are read again when their files change.',
  ),
  ...tlsFamilySettings({
    name: 'quorum',
    prefix: 'ssl.quorum.',
    peer: 'server',
    clientHostnameVerification: true,
  }),
  quorumSasl: flag('quorum.auth.enableSasl', false, 'Whether servers authenticate to each other by SASL (DIGEST-MD5).'),
  quorumLearnerRequiresSasl: flag(
    'quorum.auth.learnerRequireSasl',
    false,
    'Whether this server authenticates on connections that it makes.',
  ),
  quorumServerRequiresSasl: flag(
    'quorum.auth.serverRequireSasl',
    false,
    'Whether this server refuses connections that do not authenticate.',
  ),
  quorumLearnerLoginContext: name(
    'quorum.auth.learner.saslLoginContext',
    'QuorumLearner',
    'Section of the JAAS file with the name and password for connections that this server makes.',
  ),
  quorumServerLoginContext: name(
    'quorum.auth.server.saslLoginContext',
    'QuorumServer',
    'Section of the JAAS file with the names and passwords that this server accepts.',
  ),
  loginConfig: path('java.security.auth.login.config', 'The JAAS file.'),
};

function path(key: string, doc: string): Setting<string | null, ConfigValues> {
  return text<string | null, ConfigValues>({
    key,
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc,
  });
}

function name(key: string, fallback: string, doc: string): Setting<string, ConfigValues> {
  return text<string, ConfigValues>({
    key,
    default: fallback,
    expected: 'the name of a section',
    pattern: /^[\w.-]+$/,
    doc,
  });
}
