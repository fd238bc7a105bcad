export const HELP = `Usage: node --import tsx examples/gcs-pipeline.ts -- [options]

Takes 231,083 flights through Google Cloud Storage to a report on their delays; pilots on this machine do the work.
Without --gcp, on an embedded stand-in for the store: no account is needed.

  --shards N    pieces the flights are cut into, 1 to 1000 (default 24)
  --out DIR     folder for flights.csv and flights.html (default report)
  --keep        keep the shards and the raw table
  --gcp         use a real bucket, with the credentials that gcloud has set up
  --bucket B    bucket to use (needed with --gcp)
  --help        print this
`;
