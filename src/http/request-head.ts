import type { HttpRequest } from './answer.js';

/**
 * What is sent before a request's body.
 *
 * @throws {TypeError} for a path or a header that would be understood as something else; what it says is not in the message
 */
export function requestHead({ method, path, headers = {}, body }: HttpRequest, host: string): string {
  if (!PATH.test(path)) throw new TypeError('the path of a request has characters that have to be encoded');
  let head = `${method} ${path} HTTP/1.1\r\n`;
  if (headers.host === undefined) head += `host: ${host}\r\n`;
  for (const name in headers) {
    const value = headers[name] as string;
    if (!VALUE.test(value)) throw new TypeError(`the header ${name} has characters that cannot be sent`);
    head += `${name}: ${value}\r\n`;
  }
  // Source: RFC 9110, 8.6. Of other methods nobody expects a body.
  if (body !== undefined || method === 'PUT' || method === 'POST') head += `content-length: ${body?.length ?? 0}\r\n`;
  return `${head}\r\n`;
}

const PATH = /^\/[!-~]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
