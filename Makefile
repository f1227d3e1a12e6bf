# One command for what takes more than `go run` and `go test`.
.PHONY: api-passed bench-compare bench-guard bench-scaling bench-workers

bench-compare: ## every unit of work beside the same work in R
	go run ./bench compare

bench-guard: ## every unit over the cost of its normals, against the stored baseline
	go run ./bench guard

bench-scaling: ## how the time of a replicate grows with its sizes
	go run ./bench scaling

bench-workers: ## how much faster two workers are than one
	go run ./bench workers

api-passed: ## hold what submit writes against the types of its engines, and write down that it passed
	go test -C cmd/coachsim/cluster/testdata/api ./...
	sha256sum cmd/coachsim/submit.go cmd/coachsim/cluster/*.go cmd/coachsim/cluster/testdata/api/*.go cmd/coachsim/cluster/testdata/api/go.* >cmd/coachsim/cluster/testdata/api/passed
