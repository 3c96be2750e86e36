{{- define "assent.fullname" -}}
{{- if contains "assent" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-assent" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels of one part of the release: dict "root" $ "part" "projection". */}}
{{- define "assent.selector" -}}
app.kubernetes.io/name: assent
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "assent.labels" -}}
{{ include "assent.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "assent.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}{{ else }}{{ .image.repository }}:{{ .image.tag | default .appVersion }}{{ end }}
{{- end }}

{{/* The servers of NATS, as clients are told them. */}}
{{- define "assent.natsUrl" -}}
{{- if .Values.nats.enabled }}
{{- $name := printf "%s-nats" (include "assent.fullname" .) }}
{{- range $i := until 3 }}{{ if $i }},{{ end }}tls://{{ $name }}-{{ $i }}.{{ $name }}.{{ $.Release.Namespace }}.svc:4222{{ end }}
{{- else }}
{{- required "nats.url is needed where nats.enabled is false" .Values.nats.url }}
{{- end }}
{{- end }}

{{/* What every pod may: nothing. */}}
{{- define "assent.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "assent.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ ALL ] }
{{- end }}

{{/* Replicas on different machines and in different zones, where there are any. */}}
{{- define "assent.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: {{ .strict | ternary "DoNotSchedule" "ScheduleAnyway" }}
  labelSelector: { matchLabels: {{ include "assent.selector" . | fromYaml | toJson }} }
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector: { matchLabels: {{ include "assent.selector" . | fromYaml | toJson }} }
{{- end }}

{{- define "assent.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
