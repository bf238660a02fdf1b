import { textOf } from '../node-data.ts';

/** One running copy of a service, as Curator's service discovery stores it. */
export interface ServiceInstance<Payload = unknown> {
  readonly name: string;
  /** Unique among the instances of the service. */
  readonly id: string;
  readonly address: string;
  readonly port: number | null;
  readonly sslPort: number | null;
  /** Anything that JSON can hold. Java reads it only if it names its class in `@class`. */
  readonly payload: Payload | null;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
  /** How to make an address of it, such as `{scheme}://{address}:{port}`; null: there is none. */
  readonly uriSpec: UriSpec | null;
  /** False: it is there and takes no requests. */
  readonly enabled: boolean;
  /** DYNAMIC: it goes with its session. */
  readonly type: ServiceType;
}

export type ServiceType = 'DYNAMIC' | 'STATIC' | 'PERMANENT' | 'DYNAMIC_SEQUENTIAL';

export interface UriSpec {
  readonly parts: readonly { readonly value: string; readonly variable: boolean }[];
}

const TYPES: ReadonlySet<unknown> = new Set<ServiceType>(['DYNAMIC', 'STATIC', 'PERMANENT', 'DYNAMIC_SEQUENTIAL']);

/** The JSON of Curator's JsonInstanceSerializer. */
export function encodeInstance(instance: ServiceInstance): string {
  const { name, id, address, port, sslPort, payload, registeredAt, type, uriSpec, enabled } = instance;
  return JSON.stringify({
    name,
    id,
    address,
    port,
    sslPort,
    payload,
    registrationTimeUTC: registeredAt,
    serviceType: type,
    uriSpec,
    enabled,
  });
}

/** null: it is no instance of a service. */
export function decodeInstance(data: Uint8Array | null): ServiceInstance | null {
  const json = parsed(textOf(data));
  if (json === null) return null;
  const { name, id, address, serviceType, registrationTimeUTC, enabled, uriSpec, payload } = json;
  if (typeof name !== 'string' || typeof id !== 'string') return null;
  return {
    name,
    id,
    address: typeof address === 'string' ? address : '',
    port: portOf(json.port),
    sslPort: portOf(json.sslPort),
    payload: payload ?? null,
    registeredAt: typeof registrationTimeUTC === 'number' ? registrationTimeUTC : 0,
    type: TYPES.has(serviceType) ? (serviceType as ServiceType) : 'DYNAMIC',
    uriSpec: uriSpecOf(uriSpec),
    enabled: enabled !== false,
  };
}

/** The address that the instance's `uriSpec` makes; null when it has none or a part is missing. */
export function uriOf(instance: ServiceInstance): string | null {
  if (instance.uriSpec === null) return null;
  const values: Readonly<Record<string, string | number | null>> = {
    scheme: instance.sslPort === null ? 'http' : 'https',
    name: instance.name,
    id: instance.id,
    address: instance.address,
    port: instance.port,
    'ssl-port': instance.sslPort,
    'registration-time-utc': instance.registeredAt,
    'service-type': instance.type.toLowerCase(),
  };
  let uri = '';
  for (const { value, variable } of instance.uriSpec.parts) {
    const part = variable ? (Object.hasOwn(values, value) ? values[value] : null) : value;
    if (part === null || part === undefined) return null;
    uri += part;
  }
  return uri;
}

/**
 * `{scheme}://{address}:{port}` in parts. Known: scheme, name, id, address, port, ssl-port, registration-time-utc,
 * service-type.
 */
export function uriSpec(text: string): UriSpec {
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  return {
    parts: parts.map((part) =>
      part.startsWith('{') ? { value: part.slice(1, -1), variable: true } : { value: part, variable: false },
    ),
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

function portOf(port: unknown): number | null {
  return typeof port === 'number' ? port : null;
}

function uriSpecOf(spec: unknown): UriSpec | null {
  if (typeof spec !== 'object' || spec === null || !('parts' in spec) || !Array.isArray(spec.parts)) return null;
  const parts = spec.parts.filter((part) => typeof part?.value === 'string');
  return { parts: parts.map(({ value, variable }) => ({ value, variable: variable === true })) };
}
