# One command for what takes more than `go run` and `go test`.
.PHONY: bench-compare bench-guard

bench-compare: ## every unit of work beside the same work in R
	go run ./bench compare

bench-guard: ## every unit over the cost of its normals, against the stored baseline
	go run ./bench guard
