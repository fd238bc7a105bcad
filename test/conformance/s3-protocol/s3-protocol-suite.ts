import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS_ROWS } from './access-rows.js';
import { MULTIPART_ROWS } from './multipart-rows.js';
import { openPlace, type Row, type S3Address, type S3Place } from './place.js';
import { READ_ROWS } from './read-rows.js';
import { WRITE_ROWS } from './write-rows.js';

const ROWS = { ...WRITE_ROWS, ...READ_ROWS, ...MULTIPART_ROWS, ...ACCESS_ROWS };

/** What a server answers where that is not what Amazon S3 answers. */
export type Deviations = Partial<Record<keyof typeof ROWS, string>>;

/**
 * Asks a server, with the official SDK, what Amazon S3 is known to answer. A known deviation is held too: a server that
 * changes shows. `address` is called once the surrounding suite has started its server.
 */
export function s3ProtocolSuite(name: string, address: () => S3Address, deviations: Deviations = {}): void {
  describe(`S3 protocol: ${name}`, () => {
    let place: S3Place;
    beforeAll(async () => {
      place = await openPlace(address());
    });
    afterAll(() => place?.close());

    for (const [title, row] of Object.entries(ROWS) as [keyof typeof ROWS, Row][]) {
      const deviation = deviations[title];
      test(deviation === undefined ? title : `${title}; not so here: ${deviation}`, async () => {
        expect(await row.ask(place)).toBe(deviation ?? row.s3);
      });
    }
  });
}
