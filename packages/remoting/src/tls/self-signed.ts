import { promisify } from 'node:util';

/** A certificate and its private key, as PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

const DAYS_MS = 24 * 60 * 60 * 1_000;
/** Clocks of clients may be behind ours. */
const VALID_SINCE_DAYS = 1;
const VALID_FOR_DAYS = 10 * 365;

/**
 * Makes a certificate that nobody vouches for: it encrypts, it proves nothing (Java: netty's `SelfSignedCertificate`, Apache's
 * `tls.test.mode.enable`). The key comes from node:crypto, off the event loop; the X.509 part, which Node cannot write, from
 * node-forge, loaded on first use.
 */
export async function selfSignedCertificate(now: number = Date.now()): Promise<KeyAndCertificate> {
  const { generateKeyPair } = process.getBuiltinModule('node:crypto');
  const { privateKey: key, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const { default: forge } = await import('node-forge');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // Positive, so its first bit is 0: 01 goes in front.
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(now - VALID_SINCE_DAYS * DAYS_MS);
  certificate.validity.notAfter = new Date(now + VALID_FOR_DAYS * DAYS_MS);
  const name = [{ name: 'commonName', value: 'localhost' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    {
      name: 'subjectAltName',
      altNames: [
        { type: ALT_NAME_DNS, value: 'localhost' },
        { type: ALT_NAME_IP, ip: '127.0.0.1' },
      ],
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
}

/** GeneralName tags (RFC 5280, 4.2.1.6). */
const ALT_NAME_DNS = 2;
const ALT_NAME_IP = 7;
