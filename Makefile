# One command for what takes more than `go run` and `go test`.
.PHONY: bench-compare bench-guard bench-scaling bench-workers

bench-compare: ## every unit of work beside the same work in R
	go run ./bench compare

bench-guard: ## every unit over the cost of its normals, against the stored baseline
	go run ./bench guard

bench-scaling: ## how the time of a replicate grows with its sizes
	go run ./bench scaling

bench-workers: ## how much faster two workers are than one
	go run ./bench workers
