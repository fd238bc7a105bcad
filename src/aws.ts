export { type S3StagingOptions, s3Staging } from './config/storage/built-in-stagings.js';
export { type DeployedLambda, type DeployLambdaOptions, deployLambda } from './executors/lambda/deploy-lambda.js';
export { LambdaExecutor } from './executors/lambda/lambda-executor.js';
export type { LambdaOptions } from './executors/lambda/lambda-options.js';
