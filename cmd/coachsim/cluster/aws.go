package cluster

var aws = Engine{
	Name:      "aws",
	About:     "an array job of AWS Batch, with results on Amazon EFS",
	Flags:     []string{"time", "memory", "image", "queue", "file-system", "mount", "user"},
	Needs:     []string{"image", "queue", "file-system", "mount"},
	MinShards: 2,
	MaxShards: 10_000,
	files: func(j Job) []File {
		return []File{
			render("shards.json", awsShards, j),
			render("merge.json", awsMerge, j),
			render("submit.sh", awsSubmit, j),
		}
	},
}

// Batch puts the place of a shard into the environment and nowhere else, and
// the image has no shell: coachsim reads the variable. It does not tell the
// number of shards, which is written here. A job that no rule matches is tried
// again.
const awsShards = `{
  "jobDefinitionName": {{json unique}},
  "type": "container",
  "platformCapabilities": ["EC2"],
  "containerProperties": {
    "image": {{json .Options.Image}},
    "command": [
      "run", {{json (inside (path "study.yaml"))}},
      "--shard", "$AWS_BATCH_JOB_ARRAY_INDEX/{{.Shards}}",
      "--out", {{json (inside (path "{shard}"))}},
      "--resume", "--workers", "{{.Limits.CPUs}}", "--progress", "plain"
    ],
    "user": {{json .Options.User}},
    "privileged": false,
    "readonlyRootFilesystem": true,
    "environment": [{"name": "GOMEMLIMIT", "value": {{json .Limits.GoMemory}}}],
    "resourceRequirements": [
      {"type": "VCPU", "value": "{{.Limits.CPUs}}"},
      {"type": "MEMORY", "value": "{{.Limits.MemoryMiB}}"}
    ],
    "volumes": [
      {
        "name": "results",
        "efsVolumeConfiguration": {"fileSystemId": {{json .Options.FileSystem}}, "rootDirectory": "/", "transitEncryption": "ENABLED"}
      }
    ],
    "mountPoints": [{"sourceVolume": "results", "containerPath": "/results", "readOnly": false}]
  },
  "retryStrategy": {
    "attempts": 5,
    "evaluateOnExit": [
      {"onExitCode": "2", "action": "EXIT"},
      {"onExitCode": "3", "action": "EXIT"}
    ]
  },
  "timeout": {"attemptDurationSeconds": {{.Limits.Seconds}}}
}
`

const awsMerge = `{
  "command": ["merge", {{json (inside .Dir)}}, "--out", {{json (inside .Out)}}],
  "environment": [{"name": "GOMEMLIMIT", "value": {{json .Limits.Merging.GoMemory}}}],
  "resourceRequirements": [
    {"type": "VCPU", "value": "1"},
    {"type": "MEMORY", "value": "{{.Limits.Merging.MemoryMiB}}"}
  ]
}
`

const awsSubmit = `#!/bin/sh
# {{.Submit}}
#
# Submits the shards, and their merge for when all have succeeded. Again, it
# finishes the shards that are missing.
set -eu
definition=$(aws batch register-job-definition --cli-input-json {{quote (printf "file://%s" (path "shards.json"))}} \
  --query jobDefinitionArn --output text)
shards=$(aws batch submit-job --job-name {{unique}} --job-queue {{quote .Options.Queue}} \
  --job-definition "$definition" --array-properties size={{.Shards}} --query jobId --output text)
merge=$(aws batch submit-job --job-name {{unique}}-merge --job-queue {{quote .Options.Queue}} \
  --job-definition "$definition" --depends-on "jobId=$shards" --query jobId --output text \
  --timeout attemptDurationSeconds={{.Limits.Merging.Seconds}} --container-overrides {{quote (printf "file://%s" (path "merge.json"))}})
echo "Submitted: the shards as job $shards; their merge as job $merge."
`
