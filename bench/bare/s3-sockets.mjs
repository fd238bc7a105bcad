// node s3-sockets.mjs s3://BUCKET/PREFIX/ FOLDER/: the least that a program of Node does to copy objects from a server that
// AWS_ENDPOINT_URL_S3 and keys name: sockets, signatures, MD5 of what comes as a whole, synchronous writes. It retries, bounds and
// explains nothing, and takes the server's answers as Ceph writes them.
import { createHash, createHmac } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const CONNECTIONS = 64;
const RANGE_BYTES = 32 * 1024 * 1024;
const BUFFER_BYTES = 128 * 1024;

const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(process.argv[2]);
const folder = process.argv[3];
const { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
const { host, hostname, port } = new URL(endpoint);

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
const scope = [time.slice(0, 8), 'us-east-1', 's3', 'aws4_request'];
const key = scope.reduce(hmac, `AWS4${secret}`);
const NOTHING = sha256('');

function request(path, query, range) {
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const canonical = `GET\n${path}\n${query}\nhost:${host}\nx-amz-content-sha256:${NOTHING}\nx-amz-date:${time}\n\n${names}\n${NOTHING}`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope.join('/')}\n${sha256(canonical)}`;
  const signature = hmac(key, text).toString('hex');
  return [
    `GET ${path}${query && `?${query}`} HTTP/1.1`,
    `host: ${host}`,
    `x-amz-content-sha256: ${NOTHING}`,
    `x-amz-date: ${time}`,
    ...(range === undefined ? [] : [`range: bytes=${range}`]),
    `authorization: AWS4-HMAC-SHA256 Credential=${id}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}\r\n\r\n`,
  ].join('\r\n');
}

/** One connection. `onHead`, `onBytes` and `onEnd` are called for the answer to what was asked last. */
class Connection {
  constructor() {
    const onread = { buffer: Buffer.allocUnsafe(BUFFER_BYTES), callback: (count, bytes) => this.take(bytes, count) };
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
  }

  ask(text, answer) {
    this.answer = answer;
    this.left = undefined;
    this.socket.write(text, 'latin1');
  }

  take(bytes, count) {
    let at = 0;
    if (this.left === undefined) {
      const end = bytes.indexOf('\r\n\r\n');
      const head = bytes.latin1Slice(0, end);
      if (!/^HTTP\/1.1 20/.test(head)) throw new Error(head);
      at = end + 4;
      // What comes in chunks ends with an empty one, at the end of what is read.
      this.left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      this.answer.onHead?.(head, this.left);
    }
    if (count > at) this.answer.onBytes(bytes, at, count);
    this.left -= count - at;
    const isEnd = this.left === 0 || (Number.isNaN(this.left) && bytes.latin1Slice(count - 5, count) === '0\r\n\r\n');
    if (isEnd) this.answer.onEnd();
    return true;
  }
}

function list(connection, token = '') {
  const next = token && `continuation-token=${encodeURIComponent(token)}&`;
  const query = `${next}list-type=2&prefix=${encodeURIComponent(prefix)}`;
  let text = '';
  return new Promise((resolve) => {
    connection.ask(request(`/${bucket}`, query), {
      onBytes: (bytes, start, end) => {
        text += bytes.latin1Slice(start, end);
      },
      onEnd: async () => {
        const page = [...text.matchAll(/<Key>([^<]*)<\/Key>.*?<Size>(\d+)</g)].map(([, name, size]) => [
          name,
          Number(size),
        ]);
        const further = /<NextContinuationToken>([^<]*)</.exec(text)?.[1];
        resolve(further === undefined ? page : [...page, ...(await list(connection, further))]);
      },
    });
  });
}

/** Keeps so many connections busy with what `start` begins, until it has nothing more. */
function inParallel(first, count, start) {
  return new Promise((resolve) => {
    let busy = count;
    const next = (connection) => {
      if (start(connection, () => next(connection))) return;
      connection.socket.destroy();
      busy -= 1;
      if (busy === 0) resolve();
    };
    for (let index = 0; index < count; index++) next(index === 0 ? first : new Connection());
  });
}

function small(objects, first) {
  return inParallel(first, CONNECTIONS, (connection, done) => {
    const [name] = objects.pop() ?? [];
    if (name === undefined) return false;
    const path = join(folder, name.slice(prefix.length));
    let tag;
    let content;
    let filled = 0;
    connection.ask(request(`/${bucket}/${name}`, ''), {
      onHead: (head, length) => {
        tag = /etag: "?(\w+)/i.exec(head)[1];
        content = Buffer.allocUnsafe(length);
      },
      onBytes: (bytes, start, end) => {
        filled += bytes.copy(content, filled, start, end);
      },
      onEnd: () => {
        if (createHash('md5').update(content).digest('hex') !== tag)
          throw new Error(`${name} is not what it should be`);
        const file = openSync(`${path}.part`, 'wx');
        writeSync(file, content);
        closeSync(file);
        renameSync(`${path}.part`, path);
        done();
      },
    });
    return true;
  });
}

async function large([name, size], first) {
  const path = join(folder, name.slice(prefix.length));
  const file = openSync(`${path}.part`, 'wx');
  let next = 0;
  await inParallel(first, Math.ceil(size / RANGE_BYTES), (connection, done) => {
    if (next >= size) return false;
    let at = next;
    next = Math.min(size, next + RANGE_BYTES);
    connection.ask(request(`/${bucket}/${name}`, '', `${at}-${next - 1}`), {
      onBytes: (bytes, start, end) => {
        at += writeSync(file, bytes, start, end - start, at);
      },
      onEnd: done,
    });
    return true;
  });
  closeSync(file);
  renameSync(`${path}.part`, path);
}

mkdirSync(folder, { recursive: true });
const first = new Connection();
const objects = await list(first);
const [one] = objects;
if (objects.length === 1 && one[1] > RANGE_BYTES) await large(one, first);
else await small(objects, first);
