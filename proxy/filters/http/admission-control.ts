// Turns requests away before they reach an upstream that fails: the lower the rate of successes was
// of late, the more of them.
import {
  type AdmissionControl,
  AdmissionControl_SuccessCriteria_GrpcCriteriaSchema,
  AdmissionControl_SuccessCriteria_HttpCriteriaSchema,
  AdmissionControl_SuccessCriteriaSchema,
  AdmissionControlSchema,
} from '../../api/gen/envoy/extensions/filters/http/admission_control/v3/admission_control_pb.js';
import type { SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import type { AdmissionConfig } from './admission-control/admission-config.ts';
import { AdmissionFilter, AdmissionRuntime } from './admission-control/admission-filter.ts';
import { compileAdmission } from './admission-control/compile-admission.ts';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [AdmissionControlSchema.typeName]: {
    enabled: 'honoured',
    success_criteria: 'honoured',
    sampling_window: 'honoured',
    aggression: 'honoured',
    sr_threshold: 'honoured',
    rps_threshold: 'honoured',
    max_rejection_probability: 'honoured',
  },
  [AdmissionControl_SuccessCriteriaSchema.typeName]: {
    http_criteria: 'honoured',
    grpc_criteria: 'honoured',
  },
  [AdmissionControl_SuccessCriteria_HttpCriteriaSchema.typeName]: {
    http_success_status: 'honoured',
  },
  [AdmissionControl_SuccessCriteria_GrpcCriteriaSchema.typeName]: {
    grpc_success_status: 'honoured',
  },
};

/** envoy.filters.http.admission_control */
export const admissionControlDefinition: HttpFilterDefinition<AdmissionControl, AdmissionConfig> = {
  name: 'envoy.filters.http.admission_control',
  schema: AdmissionControlSchema,
  isTerminal: false,
  support: SUPPORT,
  compile: compileAdmission,
  factory: (config, services) => {
    const runtime = new AdmissionRuntime(config, services);
    return { create: (callbacks) => new AdmissionFilter(runtime, callbacks) };
  },
};
