# One static binary and nothing else, for Kubernetes and AWS Batch:
#
#   docker build -t registry.example.org/coachsim:0.1 .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags=-s -o /coachsim ./cmd/coachsim

FROM scratch
COPY --from=build /coachsim /coachsim
USER 65532:65532
ENTRYPOINT ["/coachsim"]
