package cluster

var kubernetes = Engine{
	Name:      "k8s",
	About:     "an Indexed Job of Kubernetes (1.33 or newer)",
	Flags:     []string{"at-once", "time", "memory", "image", "namespace", "claim", "storage-class"},
	Needs:     []string{"image"},
	MaxShards: 100_000,
	files: func(j Job) []File {
		return []File{
			render("setup.yaml", kubernetesSetup, j),
			render("shards.yaml", kubernetesShards, j),
			render("merge.yaml", kubernetesMerge, j),
			render("submit.sh", kubernetesSubmit, j),
			render("merge.sh", kubernetesMergeScript, j),
		}
	},
}

// MaxConfigMap is how many bytes of a study a ConfigMap holds, with room for
// its other fields.
const MaxConfigMap = 1<<20 - 4096

// kubectlNamespace is an option of kubectl.
const kubectlNamespace = `{{with .Options.Namespace}} --namespace={{.}}{{end}}`

const kubernetesLabels = `  labels:
    app.kubernetes.io/name: coachsim
    app.kubernetes.io/instance: {{unique}}
`

const kubernetesMeta = `metadata:
  name: {{unique}}
{{with .Options.Namespace}}  namespace: {{.}}
{{end}}` + kubernetesLabels

const kubernetesSetup = `# {{.Submit}}
apiVersion: v1
kind: ConfigMap
` + kubernetesMeta + `immutable: true
data:
  study.yaml: |
{{indent 4 .Study}}
{{if not .Options.Claim}}---
apiVersion: v1
kind: PersistentVolumeClaim
` + kubernetesMeta + `spec:
  accessModes: [ReadWriteMany]
{{with .Options.StorageClass}}  storageClassName: {{.}}
{{end}}  resources:
    requests:
      storage: {{.DiskMiB}}Mi
{{end}}`

// kubernetesPod is the part of a pod's specification that shards and merge have
// in common, but for the $limits. 65532 is "nonroot" in distroless images; fsGroup lets it write on
// the volume.
const kubernetesPod = `      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: {type: RuntimeDefault}
      volumes:
        - name: plan
          configMap: {name: {{unique}}}
        - name: results
          persistentVolumeClaim: {claimName: {{or .Options.Claim unique}}}
      containers:
        - name: coachsim
          image: {{json .Options.Image}}
          env:
            - {name: GOMEMLIMIT, value: {{$limits.GoMemory}}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: plan, mountPath: /plan, readOnly: true}
            - {name: results, mountPath: /results}
          resources:
            requests: {cpu: {{$limits.CPUs}}, memory: {{$limits.MemoryMiB}}Mi}
            limits: {memory: {{$limits.MemoryMiB}}Mi}
          args:
`

// A pod that is evicted or preempted does not count as a failure. Exit codes 2
// (the study) and 3 (a file) fail the shard at once, since trying again would
// not help; 75 (stopped) and 1 are tried again.
const kubernetesShards = `{{$limits := .Limits -}}
# {{.Submit}}
apiVersion: batch/v1
kind: Job
` + kubernetesMeta + `spec:
  completionMode: Indexed
  completions: {{.Shards}}
  parallelism: {{or .AtOnce .Shards}}
  backoffLimitPerIndex: 5
  podReplacementPolicy: Failed
  podFailurePolicy:
    rules:
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget, status: "True"}]
      - action: FailIndex
        onExitCodes: {containerName: coachsim, operator: In, values: [2, 3]}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: coachsim
        app.kubernetes.io/instance: {{unique}}
    spec:
      activeDeadlineSeconds: {{.Limits.Seconds}}
` + kubernetesPod + `            - run
            - /plan/study.yaml
            - --shard=$(JOB_COMPLETION_INDEX)/{{.Shards}}
            - --out=/results/{{unique}}/{shard}
            - --resume
            - --workers={{.Limits.CPUs}}
            - --progress=plain
`

const kubernetesMerge = `{{$limits := .Limits.Merging -}}
# {{.Submit}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{unique}}-merge
{{with .Options.Namespace}}  namespace: {{.}}
{{end}}` + kubernetesLabels + `spec:
  backoffLimit: 2
  podReplacementPolicy: Failed
  podFailurePolicy:
    rules:
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget, status: "True"}]
      - action: FailJob
        onExitCodes: {containerName: coachsim, operator: In, values: [2, 3]}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: coachsim
        app.kubernetes.io/instance: {{unique}}
    spec:
` + kubernetesPod + `            - merge
            - /results/{{unique}}
            - --out=/results/{{unique}}-merged
`

// A Job's template cannot be changed, so the Job of an earlier try makes room, with
// its pods. Shards that it finished are found finished and end at once.
const kubernetesSubmit = `#!/bin/sh
# {{.Submit}}
#
# Submits the shards. Again, it finishes those that are missing.
set -eu
kubectl apply -f {{quote (path "setup.yaml")}}
kubectl delete job {{unique}}` + kubectlNamespace + ` --ignore-not-found --cascade=foreground
kubectl apply -f {{quote (path "shards.yaml")}}
echo 'To wait for the shards and merge them: sh {{quote (path "merge.sh")}}'
`

const kubernetesMergeScript = `#!/bin/sh
# Waits for the shards to end, and merges them on the volume.
set -eu
ended() {
  kubectl get job "$1"` + kubectlNamespace + ` -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' | tr ' ' '\n' | grep -qx -e Complete -e Failed
}
until ended {{unique}}; do sleep 5; done
kubectl delete job {{unique}}-merge` + kubectlNamespace + ` --ignore-not-found --cascade=foreground
kubectl apply -f {{quote (path "merge.yaml")}}
until ended {{unique}}-merge; do sleep 5; done
kubectl logs job/{{unique}}-merge` + kubectlNamespace + `
kubectl wait --for=condition=Complete --timeout=0s job/{{unique}}-merge` + kubectlNamespace + ` >&2
`
