import { readFile, rm } from 'node:fs/promises';
import { writeWholeFile } from '../../store/write-whole-file.js';
import { type BucketPolicy, parsePolicy } from '../access/bucket-policy.js';

/** Who else may use a bucket, and who pays: settings that outlive a restart. */
export class BucketAccess {
  readonly #pathOf: (setting: string) => string;
  #policy: { readonly text: string; readonly policy: BucketPolicy } | undefined;
  #requesterPays = false;

  /** @param pathOf path of a setting's file */
  constructor(pathOf: (setting: string) => string) {
    this.#pathOf = pathOf;
  }

  get policy(): BucketPolicy | undefined {
    return this.#policy?.policy;
  }

  /** The policy word for word. */
  get policyText(): string | undefined {
    return this.#policy?.text;
  }

  get requesterPays(): boolean {
    return this.#requesterPays;
  }

  async load(): Promise<void> {
    const text = await readFile(this.#pathOf(POLICY), 'utf8').catch(ifMissing);
    if (text !== undefined) this.#policy = { text, policy: parsePolicy(text) };
    this.#requesterPays = (await readFile(this.#pathOf(PAYER), 'utf8').catch(ifMissing)) === 'Requester';
  }

  /** @throws {S3Error} `MalformedPolicy`, `NotImplemented` */
  async setPolicy(text: string): Promise<void> {
    const policy = parsePolicy(text);
    await writeWholeFile(this.#pathOf(POLICY), text);
    this.#policy = { text, policy };
  }

  async removePolicy(): Promise<void> {
    await rm(this.#pathOf(POLICY), { force: true });
    this.#policy = undefined;
  }

  async setPayer(payer: 'Requester' | 'BucketOwner'): Promise<void> {
    await writeWholeFile(this.#pathOf(PAYER), payer);
    this.#requesterPays = payer === 'Requester';
  }
}

const POLICY = 'policy.json';
const PAYER = 'payer';

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
