import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataFiles, Segment } from '../../store/data-files.js';
import { KeyLock } from '../../store/key-lock.js';
import { UNFINISHED, writeWholeFile } from '../../store/write-whole-file.js';
import { S3Error } from '../s3-error.js';
import type { MultipartUpload, UploadedPart } from './multipart-upload.js';

interface OpenUpload {
  readonly upload: MultipartUpload;
  readonly parts: Map<number, UploadedPart>;
}

/** The multipart uploads of one bucket, each a folder with a file for itself and one for every part. */
export class Uploads {
  readonly #folder: string;
  readonly #data: DataFiles;
  readonly #open = new Map<string, OpenUpload>();
  readonly #locks = new KeyLock();

  constructor(folder: string, data: DataFiles) {
    this.#folder = folder;
    this.#data = data;
  }

  /** Reads what is on disk. Uploads that became objects just before a crash are dropped. */
  async load(completed: ReadonlySet<string>): Promise<void> {
    for (const id of await readdir(this.#folder)) {
      const files = await readdir(join(this.#folder, id));
      if (completed.has(id) || !files.includes(UPLOAD_FILE)) {
        await rm(join(this.#folder, id), { recursive: true });
        continue;
      }
      const upload = (await this.#read(id, UPLOAD_FILE)) as MultipartUpload;
      const parts = new Map<number, UploadedPart>();
      for (const file of files) {
        if (file.endsWith(UNFINISHED)) await rm(join(this.#folder, id, file));
        else if (file !== UPLOAD_FILE) {
          const part = (await this.#read(id, file)) as UploadedPart;
          parts.set(part.number, part);
        }
      }
      this.#open.set(id, { upload, parts });
    }
  }

  /** What parts are made of. */
  *segments(): Generator<Segment, void> {
    for (const { parts } of this.#open.values()) for (const part of parts.values()) yield part.segment;
  }

  async create(fields: Omit<MultipartUpload, 'id'>): Promise<MultipartUpload> {
    const upload = { ...fields, id: randomBytes(24).toString('hex') };
    await mkdir(join(this.#folder, upload.id));
    await writeWholeFile(join(this.#folder, upload.id, UPLOAD_FILE), JSON.stringify(upload));
    this.#open.set(upload.id, { upload, parts: new Map() });
    return upload;
  }

  /** @throws {S3Error} `NoSuchUpload`, also when it belongs to another key. */
  get(key: string, id: string): MultipartUpload {
    return this.#find(key, id).upload;
  }

  /** Parts uploaded so far, by number. */
  parts(key: string, id: string): UploadedPart[] {
    return [...this.#find(key, id).parts.values()].sort((left, right) => left.number - right.number);
  }

  /** All uploads, by key and then age. */
  list(): MultipartUpload[] {
    return [...this.#open.values()].map(({ upload }) => upload);
  }

  /** Adds a part, in place of one of the same number. Discards the part's data if the upload is gone. */
  async putPart(upload: MultipartUpload, part: UploadedPart): Promise<void> {
    await this.#locks.run(upload.id, async () => {
      try {
        const { parts } = this.#find(upload.key, upload.id);
        await writeWholeFile(join(this.#folder, upload.id, `part-${part.number}.json`), JSON.stringify(part));
        const replaced = parts.get(part.number);
        parts.set(part.number, part);
        if (replaced !== undefined) await this.#data.discard([replaced.segment]);
      } catch (error) {
        await this.#data.discard([part.segment]);
        throw error;
      }
    });
  }

  async abort(key: string, id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      const { parts } = this.#find(key, id);
      await this.#remove(id);
      await this.#data.discard([...parts.values()].map(({ segment }) => segment));
    });
  }

  /**
   * Ends the upload with an object: `publish` gets its parts by number and resolves with the ids of the data it used.
   * When that fails the upload stays as it was.
   */
  async complete(
    upload: MultipartUpload,
    publish: (parts: ReadonlyMap<number, UploadedPart>) => Promise<ReadonlySet<string>>,
  ): Promise<void> {
    await this.#locks.run(upload.id, async () => {
      const { parts } = this.#find(upload.key, upload.id);
      const used = await publish(parts);
      await this.#remove(upload.id);
      const unused = [...parts.values()].filter(({ segment }) => !used.has(segment.id));
      await this.#data.discard(unused.map(({ segment }) => segment));
    });
  }

  #find(key: string, id: string): OpenUpload {
    const open = this.#open.get(id);
    if (open?.upload.key === key) return open;
    const message =
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.';
    throw new S3Error('NoSuchUpload', message, { details: { UploadId: id } });
  }

  async #remove(id: string): Promise<void> {
    this.#open.delete(id);
    // First what makes it an upload: if this is cut short, the rest is a leftover.
    await rm(join(this.#folder, id, UPLOAD_FILE), { force: true });
    await rm(join(this.#folder, id), { recursive: true, force: true });
  }

  async #read(id: string, file: string): Promise<unknown> {
    return JSON.parse(await readFile(join(this.#folder, id, file), 'utf8'));
  }
}

const UPLOAD_FILE = 'upload.json';
