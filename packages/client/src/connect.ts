import { encodeUtf8 } from '@headkeeper/protocol';
import { digestMd5 } from './adapters/digest-md5.ts';
import { nodePorts } from './adapters/node-ports.ts';
import { checkTls } from './adapters/socket-link.ts';
import { Client } from './client.ts';
import { parseConnectString } from './core/connect-string.ts';
import { connectError } from './core/errors.ts';
import type { ClientSettings } from './core/settings.ts';
import { type CheckedOptions, type ClientOptions, checkOptions, type TlsOptions } from './options.ts';
import type { ClientPorts } from './ports.ts';

/**
 * Opens a session with an ensemble.
 *
 * @param connectString `host:port,host:port/chroot`; IPv6 addresses in brackets, port 2181 unless said.
 * @throws ZooKeeperError invalidArgument, connectionLoss (no session in time), authFailed, sessionExpired, aborted.
 */
export async function connect(connectString: string, options: ClientOptions = {}): Promise<Client> {
  const checked = checkOptions(options);
  const ports = nodePorts(options.tls === undefined ? null : tlsConnection(options.tls));
  return begin(ports, connectString, options, checked);
}

/** @throws ZooKeeperError invalidArgument, when there is something wrong with a certificate or a key. */
function tlsConnection({ serverName, ca, verifyServerName, ...rest }: TlsOptions): object {
  const connection = {
    ...rest,
    ...(verifyServerName === false ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
  try {
    checkTls(connection);
  } catch (cause) {
    throw connectError('invalidArgument', `the option tls: ${(cause as Error).message}`, cause);
  }
  return serverName === undefined ? connection : { ...connection, servername: serverName };
}

/** As `connect`, in another world. */
export async function connectWith(ports: ClientPorts, connectString: string, options: ClientOptions): Promise<Client> {
  return begin(ports, connectString, options, checkOptions(options));
}

async function begin(
  ports: ClientPorts,
  connectString: string,
  options: ClientOptions,
  checked: CheckedOptions,
): Promise<Client> {
  const client = new Client(ports, settingsOf(ports, connectString, options, checked));
  await client.start(checked.connectTimeoutMs, options.signal);
  return client;
}

function settingsOf(
  ports: ClientPorts,
  connectString: string,
  options: ClientOptions,
  checked: CheckedOptions,
): ClientSettings {
  const { servers, chroot } = parseConnectString(connectString);
  const { sasl, session } = options;
  return {
    ...checked,
    servers,
    chroot,
    readOnly: options.readOnly ?? false,
    renewSession: options.onSessionExpired !== 'close',
    session: session === undefined ? null : { id: session.id, password: session.password.slice() },
    auth: (options.auth ?? []).map(({ scheme, auth }) => ({
      scheme,
      auth: typeof auth === 'string' ? encodeUtf8(auth) : auth,
    })),
    sasl: sasl === undefined ? null : digestMd5(sasl.username, sasl.password, (count) => ports.randomBytes(count)),
    log: options.log ?? {},
  };
}
