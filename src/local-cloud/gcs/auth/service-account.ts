import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeWholeFile } from '../../store/write-whole-file.js';

/** The one identity there is: what clients sign with, and what the server holds it against. */
export interface ServiceAccount {
  readonly email: string;
  readonly publicKey: KeyObject;
  /** Path of the account's key file. */
  readonly keyFile: string;
  /** Writes the key file for clients of this endpoint, readable by this user alone. */
  writeKeyFile(endpoint: string): Promise<void>;
}

/** The account of a folder, made with a new key when there is none: signed URLs outlive a restart. */
export async function openServiceAccount(folder: string, project: string): Promise<ServiceAccount> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'service-account.json');
  const email = `local-cloud@${project}.iam.gserviceaccount.com`;
  const privateKey = (await storedKey(path)) ?? (await newKey());
  return {
    email,
    publicKey: createPublicKey(privateKey),
    keyFile: path,
    async writeKeyFile(endpoint) {
      await writeWholeFile(path, `${JSON.stringify(keyFile({ project, email, privateKey, endpoint }), null, 2)}\n`);
      await chmod(path, 0o600);
    },
  };
}

async function storedKey(path: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as { private_key: string }).private_key;
  } catch {
    return undefined;
  }
}

async function newKey(): Promise<string> {
  // Short, since it guards nothing but this machine's own stand-in and a start should not wait for a longer one.
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 1024,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

/** As the console hands it out. Source: "Create and delete service account keys", IAM. */
function keyFile(account: {
  readonly project: string;
  readonly email: string;
  readonly privateKey: string;
  readonly endpoint: string;
}): Readonly<Record<string, string>> {
  return {
    type: 'service_account',
    project_id: account.project,
    private_key_id: 'local-cloud',
    private_key: account.privateKey,
    client_email: account.email,
    client_id: '0',
    auth_uri: `${account.endpoint}/auth`,
    token_uri: `${account.endpoint}/token`,
    universe_domain: 'googleapis.com',
  };
}
