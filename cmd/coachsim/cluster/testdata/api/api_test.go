// Package api holds what coachsim submit writes against the types that the
// engines themselves read it with. It is a module of its own, so that coachsim
// does not depend on these.
package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
)

// program is coachsim, built anew.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "coachsim-*")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "coachsim")
		build := exec.Command("go", "build", "-o", program, ".")
		build.Dir = filepath.Join("..", "..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		return m.Run()
	}())
}

// files are what submit --dry-run prints, by name.
func files(t *testing.T, args ...string) map[string]string {
	t.Helper()
	submit := exec.Command(program, append([]string{"submit", "../../../testdata/small.yaml", "--replicates", "6400", "--dry-run"}, args...)...)
	out, err := submit.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(out)+"==> ", "\n==> ") {
		if path, text, ok := strings.Cut(part, " <==\n"); ok {
			all[filepath.Base(path)] = text
		}
	}
	return all
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %#v, want %#v", what, got, want)
	}
}

// decode reads manifests as an API server does that refuses unknown fields,
// wrong case and duplicates.
func decode(t *testing.T, text string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{batchv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var all []runtime.Object
	for part := range strings.SplitAfterSeq(text, "\n---\n") {
		part = strings.TrimSuffix(part, "---\n")
		object, _, err := strict.Decode([]byte(part), nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, part)
		}
		all = append(all, object)
	}
	return all
}

// TestStrict shows that the decoder is strict.
func TestStrict(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := batchv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, wrong := range []string{"completionsMode: Indexed", "CompletionMode: Indexed", "completions: 1\n  completions: 2"} {
		_, _, err := strict.Decode([]byte("apiVersion: batch/v1\nkind: Job\nspec:\n  "+wrong+"\n"), &schema.GroupVersionKind{}, nil)
		if err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

func TestKubernetes(t *testing.T) {
	all := files(t, "--engine", "k8s", "--shards", "64", "--at-once", "16", "--cpus", "2", "--memory", "1G", "--time", "2h",
		"--image", "registry.example.org/coachsim:0.1", "--namespace", "research", "--storage-class", "nfs", "--out", "/jobs/Small_Trial")

	setup := decode(t, all["setup.yaml"])
	if len(setup) != 2 {
		t.Fatalf("setup.yaml has %d objects, want 2", len(setup))
	}
	plan := setup[0].(*corev1.ConfigMap)
	want(t, "the plan", plan.Data, map[string]string{"study.yaml": all["study.yaml"]})
	claim := setup[1].(*corev1.PersistentVolumeClaim)
	want(t, "access", claim.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany})
	want(t, "storage class", *claim.Spec.StorageClassName, "nfs")
	if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.Cmp(resource.MustParse("1Gi")) < 0 {
		t.Errorf("the claim asks for %s", size.String())
	}

	job := decode(t, all["shards.yaml"])[0].(*batchv1.Job)
	merge := decode(t, all["merge.yaml"])[0].(*batchv1.Job)
	for _, name := range []string{plan.Name, claim.Name, job.Name, merge.Name} {
		if faults := validation.IsDNS1123Label(name); len(faults) > 0 {
			t.Errorf("name %s: %v", name, faults)
		}
		if pod := name + "-99999-abcde"; len(pod) > validation.DNS1123LabelMaxLength {
			t.Errorf("the pods of %s get names too long for a host", name)
		}
	}
	for _, namespace := range []string{plan.Namespace, claim.Namespace, job.Namespace, merge.Namespace} {
		want(t, "namespace", namespace, "research")
	}
	spec := job.Spec
	want(t, "completion mode", *spec.CompletionMode, batchv1.IndexedCompletion)
	want(t, "completions", *spec.Completions, int32(64))
	want(t, "parallelism", *spec.Parallelism, int32(16))
	want(t, "back-off per index", *spec.BackoffLimitPerIndex, int32(5))
	want(t, "replacement", *spec.PodReplacementPolicy, batchv1.Failed)
	want(t, "labels", spec.Template.Labels, job.Labels)
	rules := spec.PodFailurePolicy.Rules
	want(t, "rules", len(rules), 2)
	want(t, "disruptions", rules[0], batchv1.PodFailurePolicyRule{Action: batchv1.PodFailurePolicyActionIgnore,
		OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}})
	container := "coachsim"
	want(t, "exit codes", rules[1], batchv1.PodFailurePolicyRule{Action: batchv1.PodFailurePolicyActionFailIndex,
		OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{ContainerName: &container, Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{2, 3}}})
	want(t, "merge's rule", merge.Spec.PodFailurePolicy.Rules[1].Action, batchv1.PodFailurePolicyActionFailJob)
	want(t, "time", *spec.Template.Spec.ActiveDeadlineSeconds, int64(7200))

	for i, pod := range []corev1.PodSpec{spec.Template.Spec, merge.Spec.Template.Spec} {
		want(t, "restart policy", pod.RestartPolicy, corev1.RestartPolicyNever) // podFailurePolicy wants it
		want(t, "token", *pod.AutomountServiceAccountToken, false)
		want(t, "non-root", *pod.SecurityContext.RunAsNonRoot, true)
		if *pod.SecurityContext.RunAsUser == 0 || *pod.SecurityContext.RunAsGroup == 0 {
			t.Error("runs as root")
		}
		want(t, "group of the volume", *pod.SecurityContext.FSGroup, *pod.SecurityContext.RunAsGroup)
		want(t, "seccomp", pod.SecurityContext.SeccompProfile.Type, corev1.SeccompProfileTypeRuntimeDefault)
		want(t, "containers", len(pod.Containers), 1)
		c := pod.Containers[0]
		want(t, "name", c.Name, container)
		want(t, "escalation", *c.SecurityContext.AllowPrivilegeEscalation, false)
		want(t, "root file system", *c.SecurityContext.ReadOnlyRootFilesystem, true)
		want(t, "capabilities", c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"})
		want(t, "processors", c.Resources.Requests.Cpu().Value(), []int64{2, 1}[i]) // the merge has one
		want(t, "memory limit", c.Resources.Limits.Memory().Value() >= 1<<30, true)
		want(t, "volumes", []string{pod.Volumes[0].ConfigMap.Name, pod.Volumes[1].PersistentVolumeClaim.ClaimName}, []string{plan.Name, claim.Name})
		for i, mount := range c.VolumeMounts {
			want(t, "mounted volume", mount.Name, pod.Volumes[i].Name)
		}
	}
	args := spec.Template.Spec.Containers[0].Args
	for _, arg := range []string{"run", "/plan/study.yaml", "--shard=$(JOB_COMPLETION_INDEX)/64", "--resume", "--workers=2"} {
		if !slices.Contains(args, arg) {
			t.Errorf("the arguments %q lack %s", args, arg)
		}
	}
}

// TestClaim uses a claim that exists.
func TestClaim(t *testing.T) {
	all := files(t, "--engine", "k8s", "--shards", "2", "--memory", "1G", "--time", "2h", "--image", "coachsim", "--claim", "results")
	want(t, "objects", len(decode(t, all["setup.yaml"])), 1)
	job := decode(t, all["shards.yaml"])[0].(*batchv1.Job)
	want(t, "claim", job.Spec.Template.Spec.Volumes[1].PersistentVolumeClaim.ClaimName, "results")
	want(t, "parallelism", *job.Spec.Parallelism, int32(2))
}

// recorder keeps the body of a request instead of sending it.
type recorder struct{ body []byte }

func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	var err error
	r.body, err = io.ReadAll(request.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, err
}

// TestAWS reads the job definition into the SDK's types; its client checks it,
// and what it would send is the file again, so no key was lost.
func TestAWS(t *testing.T) {
	all := files(t, "--engine", "aws", "--shards", "64", "--cpus", "2", "--memory", "1G", "--time", "2h", "--image", "coachsim",
		"--queue", "spot", "--file-system", "fs-0123456789abcdef0", "--mount", "/efs", "--out", "/efs/trials/small", "--user", "1000:1000")
	var definition batch.RegisterJobDefinitionInput
	decoder := json.NewDecoder(strings.NewReader(all["shards.json"]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&definition); err != nil {
		t.Fatal(err)
	}
	sent := new(recorder)
	client := batch.New(batch.Options{Region: "eu-west-1", HTTPClient: sent, Credentials: aws.AnonymousCredentials{}})
	if _, err := client.RegisterJobDefinition(t.Context(), &definition); err != nil {
		t.Fatal(err)
	}
	var got, file any
	if err := json.NewDecoder(bytes.NewReader(sent.body)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(all["shards.json"]), &file); err != nil {
		t.Fatal(err)
	}
	want(t, "what would be sent", got, file)

	var merge batchtypes.ContainerOverrides
	decoder = json.NewDecoder(strings.NewReader(all["merge.json"]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&merge); err != nil {
		t.Fatal(err)
	}
	name := "x"
	if _, err := client.SubmitJob(t.Context(), &batch.SubmitJobInput{JobName: &name, JobQueue: &name, JobDefinition: &name, ContainerOverrides: &merge}); err != nil {
		t.Fatal(err)
	}
	var submitted struct{ ContainerOverrides any }
	if err := json.Unmarshal(sent.body, &submitted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(all["merge.json"]), &file); err != nil {
		t.Fatal(err)
	}
	want(t, "overrides", submitted.ContainerOverrides, file)

	want(t, "type", slices.Contains(definition.Type.Values(), definition.Type), true)
	c := definition.ContainerProperties
	for _, r := range c.ResourceRequirements {
		want(t, "resource", slices.Contains(r.Type.Values(), r.Type), true)
	}
	for _, rule := range definition.RetryStrategy.EvaluateOnExit {
		// The API's action is written in small or capital letters.
		want(t, "action", slices.Contains(rule.Action.Values(), batchtypes.RetryAction(strings.ToUpper(string(rule.Action)))), true)
	}
	want(t, "transit", c.Volumes[0].EfsVolumeConfiguration.TransitEncryption, batchtypes.EFSTransitEncryptionEnabled)
	want(t, "study", c.Command[1], "/results/trials/small-shards/study.yaml")
	if *definition.Timeout.AttemptDurationSeconds < 60 {
		t.Error("Batch wants at least 60 seconds")
	}
}
