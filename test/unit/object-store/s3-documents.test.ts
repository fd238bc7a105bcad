import { describe, expect, test } from 'vitest';
import {
  completedTagIn,
  completionOf,
  deletionOf,
  errorIn,
  pageIn,
  undeletedIn,
  uploadIdIn,
} from '../../../src/object-store/s3/s3-documents.js';
import { readXml } from '../../../src/object-store/s3/s3-xml.js';

describe('documents of S3', () => {
  test('a page of a list: keys are decoded as forms are, tags lose their quotes', () => {
    const page = pageIn(`<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/><KeyCount>2</KeyCount>
  <IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>
  <Contents><Key>a+b%2Fc%2B%C3%A9</Key><LastModified>2026-11-26T10:00:00.000Z</LastModified><ETag>&quot;d41d&quot;</ETag><Size>12</Size></Contents>
  <Contents><Key>z</Key><LastModified>2026-11-26T10:00:00.000Z</LastModified><ETag>"e"</ETag><Size>0</Size><Owner><ID>1</ID></Owner></Contents>
</ListBucketResult>`);
    const lastModifiedMs = Date.UTC(2026, 10, 26, 10);
    expect(page).toEqual({
      objects: [
        { key: 'a b/c+é', size: 12, etag: 'd41d', lastModifiedMs },
        { key: 'z', size: 0, etag: 'e', lastModifiedMs },
      ],
      next: 'a&b',
    });
  });

  test('a last page has no next one', () => {
    expect(pageIn('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')).toEqual({
      objects: [],
      next: undefined,
    });
  });

  test('keys to delete are written so that XML’s rules change none of them', () => {
    const key = ' <a> & "b"\r\n\t\'c\' ';
    const text = deletionOf([key, 'plain']);
    expect(text).not.toMatch(/[\r\n\t]/);
    const read = readXml(text).child('Delete');
    expect(read?.all('Object').map((object) => object.textOf('Key'))).toEqual([key, 'plain']);
    expect(read?.textOf('Quiet')).toBe('true');
  });

  test('what could not be deleted is told with its reason', () => {
    const text =
      '<DeleteResult><Error><Key>a &lt;b&gt;</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>';
    expect(undeletedIn(text)).toMatchObject([{ key: 'a <b>', code: 'AccessDenied', message: 'No' }]);
    expect(undeletedIn('<DeleteResult xmlns="x"/>')).toEqual([]);
  });

  test('an upload’s id, its parts and its end', () => {
    expect(uploadIdIn('<InitiateMultipartUploadResult><UploadId>2~x</UploadId></InitiateMultipartUploadResult>')).toBe(
      '2~x',
    );
    const part = readXml(completionOf([{ partNumber: 1, etag: '"e"', crc32: 'AAAAAA==' }]))
      .child('CompleteMultipartUpload')
      ?.child('Part');
    expect([part?.textOf('PartNumber'), part?.textOf('ETag'), part?.textOf('ChecksumCRC32')]).toEqual([
      '1',
      '"e"',
      'AAAAAA==',
    ]);
    expect(completedTagIn('<CompleteMultipartUploadResult><ETag>"f-2"</ETag></CompleteMultipartUploadResult>')).toBe(
      '"f-2"',
    );
  });

  test('an error is told by its document, and nothing by what is none', () => {
    expect(
      errorIn('<Error><Code>NoSuchKey</Code><Message>a &#38; b</Message><RequestId>7</RequestId></Error>'),
    ).toMatchObject({
      code: 'NoSuchKey',
      message: 'a & b',
      requestId: '7',
    });
    for (const text of ['', 'no XML', '<html><body>Bad gateway</body></html>', '<<<>', '</Error>', '<Error']) {
      expect(errorIn(text)).toBeUndefined();
    }
  });

  test('elements of one name that lie in each other are kept apart', () => {
    const outer = readXml('<a><b>1<a>2</a>3</b><b/></a>').child('a');
    expect(outer?.all('b')).toHaveLength(2);
    expect(outer?.child('b')?.text).toBe('13');
    expect(outer?.child('b')?.textOf('a')).toBe('2');
  });
});
