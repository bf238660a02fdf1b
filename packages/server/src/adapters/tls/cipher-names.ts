/** OpenSSL's name of a TLS cipher suite, given that or Java's; suites of TLS 1.3 have one name in both. */
export function openSslCipherName(name: string): string {
  const match = /^(?:TLS|SSL)_(?:(\w+)_)?WITH_(\w+)$/.exec(name);
  if (match === null) return name;
  const [, keys = '', cipher = ''] = match;
  const exchange = keys.replaceAll('_', '-').replace(/^RSA$/, '');
  const bulk = cipher
    .replace(/^AES_(128|256)/, 'AES$1')
    .replace(/^3DES_EDE_CBC/, 'DES-CBC3')
    .replace(/^(AES(?:128|256))_CBC/, '$1')
    .replace(/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20-POLY1305')
    .replaceAll('_', '-');
  return exchange === '' ? bulk : `${exchange}-${bulk}`;
}
