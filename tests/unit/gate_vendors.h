/* Answers of the other vendors, and what the gate says of them; for test_gate.c. */
#ifndef TESTS_GATE_VENDORS_H
#define TESTS_GATE_VENDORS_H

#include "gate_openai.h"

#define CLAUDE(content, stop)                                                                      \
    "{'id':'msg_01','type':'message','role':'assistant','model':'claude-sonnet-4-5','content'"     \
    ":" content ",'stop_reason':" stop                                                             \
    ",'stop_sequence':null,'usage':{'input_tokens':12,'output_tokens':6}}"
#define BLOCK "{'type':'text','text':'Hello there.'}"
#define TOOL_USE "{'type':'tool_use','id':'toolu_1','name':'weather','input':{}}"
#define THINKING "{'type':'thinking','thinking':'Well.','signature':'c2ln'}"

static const struct verdict anthropic[] = {
    {CLAUDE("[" BLOCK "]", "'end_turn'"), REASON_NONE, 0, 0},
    {CLAUDE("[" BLOCK "]", "'stop_sequence'"), REASON_NONE, 1, 0},
    {CLAUDE("[" THINKING "," BLOCK "]", "'end_turn'"), REASON_NONE, 0, 0},
    {CLAUDE("[" BLOCK "," TOOL_USE "]", "'tool_use'"), REASON_NONE, 0, LET_TOOLS},
    {CLAUDE("[" BLOCK "," TOOL_USE "]", "'tool_use'"), REASON_ANSWER_TOOLS, 0, 0},
    {CLAUDE("[" BLOCK "," TOOL_USE "]", "'end_turn'"), REASON_ANSWER_TOOLS, 0, 0},
    {CLAUDE("[" BLOCK "]", "'max_tokens'"), REASON_ANSWER_CUT, 0, 0},
    {CLAUDE("[" BLOCK "]", "'max_tokens'"), REASON_NONE, 0, LET_LENGTH},
    {CLAUDE("[" BLOCK "]", "'pause_turn'"), REASON_ANSWER_CUT, 0, 15},
    {CLAUDE("[" BLOCK "]", "'model_context_window_exceeded'"), REASON_ANSWER_CUT, 0, 15},
    {CLAUDE("[" BLOCK "]", "'compaction'"), REASON_ANSWER_CUT, 0, 15},
    {CLAUDE("[" BLOCK "]", "'refusal'"), REASON_ANSWER_REFUSAL, 0, 0},
    {CLAUDE("[" BLOCK "]", "'refusal'"), REASON_NONE, 0, LET_REFUSAL},
    {CLAUDE("[]", "'refusal'"), REASON_ANSWER_EMPTY, 0, LET_REFUSAL},
    {CLAUDE("[" BLOCK "]", "null"), REASON_ANSWER_CUT, 0, 15},
    {CLAUDE("[" BLOCK "]", "'wandered_off'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {CLAUDE("[" BLOCK "]", "{}"), REASON_ANSWER_UNKNOWN, 0, 15},
    {CLAUDE("[]", "'end_turn'"), REASON_ANSWER_EMPTY, 0, 15},
    {CLAUDE("[" THINKING "]", "'end_turn'"), REASON_ANSWER_EMPTY, 0, 15},
    {CLAUDE("[{'type':'text','text':''}]", "'end_turn'"), REASON_ANSWER_EMPTY, 0, 15},
    {CLAUDE("'Hello there.'", "'end_turn'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {CLAUDE("{}", "'end_turn'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {CLAUDE("[null]", "'end_turn'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}",
     REASON_ANSWER_ERROR, 0, 15},
    {"{'type':'error'}", REASON_ANSWER_ERROR, 0, 15},
    {"{'type':'completion','content':[" BLOCK "],'stop_reason':'end_turn'}", REASON_ANSWER_UNKNOWN,
     0, 15},
    {"{'content':[" BLOCK "],'stop_reason':'end_turn'}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'input_tokens':14}", REASON_ANSWER_UNKNOWN, 0, 15},
};

#define GEMINI(candidates)                                                                         \
    "{'candidates':" candidates ",'usageMetadata':{'promptTokenCount':4,'candidatesTokenCount':7," \
    "'totalTokenCount':11},'modelVersion':'gemini-2.5-flash','responseId':'r'}"
#define CANDIDATE(parts, finish)                                                                   \
    "{'content':{'parts':" parts ",'role':'model'},'finishReason':" finish ",'index':0}"
#define PART "[{'text':'It works by learning.'}]"

static const struct verdict gemini[] = {
    {GEMINI("[" CANDIDATE(PART, "'STOP'") "]"), REASON_NONE, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'STOP'") "," CANDIDATE(PART, "'STOP'") "]"), REASON_NONE, 2, 0},
    {GEMINI("[" CANDIDATE(PART, "'STOP'") "," CANDIDATE(PART, "'SAFETY'") "]"),
     REASON_ANSWER_FILTERED, 2, 0},
    {GEMINI("[" CANDIDATE(PART, "'STOP'") "]"), REASON_ANSWER_COUNT, 2, 0},
    {GEMINI("[]"), REASON_ANSWER_EMPTY, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'MAX_TOKENS'") "]"), REASON_ANSWER_CUT, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'MAX_TOKENS'") "]"), REASON_NONE, 0, LET_LENGTH},
    {GEMINI("[{'finishReason':'MAX_TOKENS','index':0}]"), REASON_ANSWER_EMPTY, 0, LET_LENGTH},
    {GEMINI("[" CANDIDATE(PART, "'SAFETY'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'SAFETY'") "]"), REASON_NONE, 0, LET_FILTER},
    {GEMINI("[{'finishReason':'SAFETY','index':0}]"), REASON_ANSWER_EMPTY, 0, LET_FILTER},
    {GEMINI("[" CANDIDATE(PART, "'RECITATION'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'BLOCKLIST'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'PROHIBITED_CONTENT'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'SPII'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'MODEL_ARMOR'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'IMAGE_SAFETY'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'IMAGE_PROHIBITED_CONTENT'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'IMAGE_RECITATION'") "]"), REASON_ANSWER_FILTERED, 0, 0},
    {GEMINI("[" CANDIDATE(PART, "'LANGUAGE'") "]"), REASON_ANSWER_CUT, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'OTHER'") "]"), REASON_ANSWER_CUT, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'IMAGE_OTHER'") "]"), REASON_ANSWER_CUT, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'FINISH_REASON_UNSPECIFIED'") "]"), REASON_ANSWER_CUT, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'NO_IMAGE'") "]"), REASON_ANSWER_EMPTY, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'MALFORMED_FUNCTION_CALL'") "]"), REASON_ANSWER_ERROR, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'MALFORMED_RESPONSE'") "]"), REASON_ANSWER_ERROR, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'MISSING_THOUGHT_SIGNATURE'") "]"), REASON_ANSWER_ERROR, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'UNEXPECTED_TOOL_CALL'") "]"), REASON_ANSWER_ERROR, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'TOO_MANY_TOOL_CALLS'") "]"), REASON_ANSWER_ERROR, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "'FULL_STOP'") "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("[{'content':{'parts':" PART "}}]"), REASON_ANSWER_CUT, 0, 15},
    {GEMINI("[" CANDIDATE("[{'functionCall':{'name':'f','args':{}},'thoughtSignature':'c2ln'}]",
                          "'STOP'") "]"),
     REASON_ANSWER_TOOLS, 0, 0},
    {GEMINI("[" CANDIDATE("[{'functionCall':{'name':'f','args':{}}}]", "'STOP'") "]"), REASON_NONE,
     0, LET_TOOLS},
    {GEMINI("[" CANDIDATE("[{'inlineData':{'mimeType':'image/png','data':'iVBO'}}]", "'STOP'") "]"),
     REASON_NONE, 0, 0},
    {GEMINI("[" CANDIDATE("[{'text':'Hm.','thought':true}]", "'STOP'") "]"), REASON_ANSWER_EMPTY, 0,
     15},
    {GEMINI("[" CANDIDATE("[{'text':''}]", "'STOP'") "]"), REASON_ANSWER_EMPTY, 0, 15},
    {GEMINI("[" CANDIDATE("[]", "'STOP'") "]"), REASON_ANSWER_EMPTY, 0, 15},
    {GEMINI("[{'content':{'role':'model'},'finishReason':'STOP'}]"), REASON_ANSWER_EMPTY, 0, 15},
    {"{'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'},'usageMetadata':{}}",
     REASON_ANSWER_FILTERED, 0, 0},
    {"{'promptFeedback':{'blockReason':'OTHER'}}", REASON_ANSWER_UNKNOWN, 0, LET_FILTER},
    {"{'candidates':[" CANDIDATE(PART, "'STOP'") "],'promptFeedback':{'safetyRatings':[]}}",
     REASON_NONE, 0, 0},
    {"{'candidates':[" CANDIDATE(PART, "'STOP'") "],'promptFeedback':'fine'}",
     REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'error':{'code':503,'message':'overloaded','status':'UNAVAILABLE'}}", REASON_ANSWER_ERROR, 0,
     15},
    {"{'usageMetadata':{'promptTokenCount':4}}", REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("{}"), REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("['STOP']"), REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("[{'content':[],'finishReason':'STOP'}]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("[" CANDIDATE("'text'", "'STOP'") "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {GEMINI("[" CANDIDATE(PART, "0") "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    /* vectors */
    {"{'embedding':{'values':[0.1,-0.2]}}", REASON_NONE, 1, 0},
    {"{'embedding':{'values':[]}}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embedding':{}}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'embedding':[0.1]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'embedding':{'values':[0.1]}}", REASON_ANSWER_COUNT, 2, 15},
    {"{'embeddings':[{'values':[0.1]},{'values':[0.2]}]}", REASON_NONE, 2, 0},
    {"{'embeddings':[{'values':[0.1]}]}", REASON_ANSWER_COUNT, 2, 15},
    {"{'embeddings':[{'values':[]}]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embeddings':[]}", REASON_ANSWER_EMPTY, 0, 15},
};

#define CONVERSE(content, stop)                                                                    \
    "{'metrics':{'latencyMs':1275},'output':{'message':{'content':" content                        \
    ",'role':'assistant'}},'stopReason':" stop ",'usage':{'inputTokens':30,'outputTokens':9}}"

static const struct verdict bedrock[] = {
    {CONVERSE("[{'text':'Three songs.'}]", "'end_turn'"), REASON_NONE, 0, 0},
    {CONVERSE("[{'text':'Three songs.'}]", "'stop_sequence'"), REASON_NONE, 0, 0},
    {CONVERSE("[{'reasoningContent':{'reasoningText':{'text':'Hm.'}}},{'text':'Three.'}]",
              "'end_turn'"),
     REASON_NONE, 0, 0},
    {CONVERSE("[{'toolUse':{'toolUseId':'t','name':'f','input':{}}}]", "'tool_use'"), REASON_NONE,
     0, LET_TOOLS},
    {CONVERSE("[{'toolUse':{'toolUseId':'t','name':'f','input':{}}}]", "'tool_use'"),
     REASON_ANSWER_TOOLS, 0, 0},
    {CONVERSE("[{'toolUse':{'toolUseId':'t','name':'f','input':{}}}]", "'end_turn'"),
     REASON_ANSWER_TOOLS, 0, 0},
    {CONVERSE("[{'text':'Three.'}]", "'max_tokens'"), REASON_ANSWER_CUT, 0, 0},
    {CONVERSE("[{'text':'Three.'}]", "'max_tokens'"), REASON_NONE, 0, LET_LENGTH},
    {CONVERSE("[{'text':'Three.'}]", "'model_context_window_exceeded'"), REASON_ANSWER_CUT, 0, 15},
    {CONVERSE("[{'text':'Sorry.'}]", "'guardrail_intervened'"), REASON_ANSWER_FILTERED, 0, 0},
    {CONVERSE("[{'text':'Sorry.'}]", "'guardrail_intervened'"), REASON_NONE, 0, LET_FILTER},
    {CONVERSE("[{'text':'Sorry.'}]", "'content_filtered'"), REASON_ANSWER_FILTERED, 0, 0},
    {CONVERSE("[{'text':'Three.'}]", "'malformed_model_output'"), REASON_ANSWER_ERROR, 0, 15},
    {CONVERSE("[{'text':'Three.'}]", "'malformed_tool_use'"), REASON_ANSWER_ERROR, 0, 15},
    {CONVERSE("[{'text':'Three.'}]", "'tired'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {CONVERSE("[{'text':'Three.'}]", "null"), REASON_ANSWER_CUT, 0, 15},
    {CONVERSE("[]", "'end_turn'"), REASON_ANSWER_EMPTY, 0, 15},
    {CONVERSE("[{'reasoningContent':{}}]", "'end_turn'"), REASON_ANSWER_EMPTY, 0, 15},
    {CONVERSE("'Three.'", "'end_turn'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'output':{},'stopReason':'end_turn'}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'output':'Three.','stopReason':'end_turn'}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'output':{'message':[]},'stopReason':'end_turn'}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'Output':{'__type':'com.amazon.coral.service#UnknownOperationException'},'Version':'1.0'}",
     REASON_ANSWER_UNKNOWN, 0, 15},
};

#define TITAN(text, reason)                                                                        \
    "{'inputTextTokenCount':5,'results':[{'tokenCount':4,'outputText':" text                       \
    ",'completionReason':" reason "}]}"
#define LLAMA(stop)                                                                                \
    "{'generation':'It rains.','prompt_token_count':5,'generation_token_count':4,'stop_reason'"    \
    ":" stop "}"
#define MISTRAL(stop) "{'outputs':[{'text':' It rains.','stop_reason':" stop "}]}"
#define MISTRAL_CHAT(message, stop)                                                                \
    "{'choices':[{'index':0,'message':{'role':'assistant'," message "},'stop_reason':" stop "}]}"
#define DEEPSEEK(stop) "{'choices':[{'text':'It rains.','stop_reason':" stop "}]}"
#define COMMAND_R(rest, finish)                                                                    \
    "{'response_id':'r','generation_id':'g','chat_history':[]," rest ",'finish_reason':" finish    \
    ",'meta':{'tokens':{'input_tokens':71,'output_tokens':11}}}"
#define COMMAND_OLD(finish)                                                                        \
    "{'generations':[{'finish_reason':" finish ",'id':'g','text':'It rains.'}],'id':'i'}"
#define GUARDED(action)                                                                            \
    "{'type':'message','role':'assistant','content':[" BLOCK "],'stop_reason':'end_turn',"         \
    "'amazon-bedrock-guardrailAction':" action "}"

static const struct verdict bedrock_invoke[] = {
    {CLAUDE("[" BLOCK "]", "'end_turn'"), REASON_NONE, 1, 0},
    {CLAUDE("[" BLOCK "," TOOL_USE "]", "'tool_use'"), REASON_ANSWER_TOOLS, 1, 0},
    {CLAUDE("[" BLOCK "]", "'max_tokens'"), REASON_ANSWER_CUT, 1, 0},
    {CLAUDE("[" BLOCK "]", "'max_tokens'"), REASON_NONE, 1, LET_LENGTH},
    {CLAUDE("[" BLOCK "]", "null"), REASON_ANSWER_CUT, 1, 15},
    {"{'content':[" BLOCK "],'stop_reason':'end_turn'}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'type':'completion','completion':' It rains.','stop_reason':'stop_sequence','stop':'x'}",
     REASON_NONE, 1, 0},
    {"{'completion':' It rains.','stop_reason':'max_tokens','stop':null}", REASON_ANSWER_CUT, 1, 0},
    {"{'completion':'','stop_reason':'stop_sequence'}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'completion':' It rains.'}", REASON_ANSWER_CUT, 1, 15},
    {CONVERSE("[{'text':'Three.'}]", "'end_turn'"), REASON_NONE, 1, 0},
    {CONVERSE("[{'text':'Three.'}]", "'max_tokens'"), REASON_ANSWER_CUT, 1, 0},
    {CONVERSE("[{'text':'Three.'}]", "'content_filtered'"), REASON_ANSWER_FILTERED, 1, 0},
    {TITAN("'It rains.'", "'FINISHED'"), REASON_NONE, 1, 0},
    {TITAN("'It rains.'", "'FINISH'"), REASON_NONE, 1, 0},
    {TITAN("'It rains.'", "'STOP_CRITERIA_MET'"), REASON_NONE, 1, 0},
    {TITAN("'It rains.'", "'LENGTH'"), REASON_ANSWER_CUT, 1, 0},
    {TITAN("'It rains.'", "'LENGTH'"), REASON_NONE, 1, LET_LENGTH},
    {TITAN("'Sorry.'", "'CONTENT_FILTERED'"), REASON_ANSWER_FILTERED, 1, 0},
    {TITAN("'Sorry.'", "'RAG_QUERY_WHEN_RAG_DISABLED'"), REASON_ANSWER_ERROR, 1, 15},
    {TITAN("'It rains.'", "'WHIM'"), REASON_ANSWER_UNKNOWN, 1, 15},
    {TITAN("'It rains.'", "null"), REASON_ANSWER_CUT, 1, 15},
    {TITAN("''", "'FINISHED'"), REASON_ANSWER_EMPTY, 1, 15},
    {LLAMA("'stop'"), REASON_NONE, 1, 0},
    {LLAMA("'length'"), REASON_ANSWER_CUT, 1, 0},
    {LLAMA("'length'"), REASON_NONE, 1, LET_LENGTH},
    {LLAMA("'end'"), REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'generation':'It rains.'}", REASON_ANSWER_CUT, 1, 15},
    {"{'generation':'','stop_reason':'stop'}", REASON_ANSWER_EMPTY, 1, 15},
    {MISTRAL("'stop'"), REASON_NONE, 1, 0},
    {MISTRAL("'length'"), REASON_ANSWER_CUT, 1, 0},
    {MISTRAL("null"), REASON_ANSWER_CUT, 1, 15},
    {"{'outputs':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {MISTRAL_CHAT("'content':'It rains.'", "'stop'"), REASON_NONE, 1, 0},
    {MISTRAL_CHAT("'content':'It rains.'", "'length'"), REASON_ANSWER_CUT, 1, 0},
    {MISTRAL_CHAT("'content':'','tool_calls':[{'id':'c'}]", "'tool_calls'"), REASON_ANSWER_TOOLS, 1,
     0},
    {MISTRAL_CHAT("'content':'It rains.'", "'stop'"), REASON_ANSWER_COUNT, 2, 15},
    {"{'choices':[{'message':{'content':'Hi'},'finish_reason':'stop'}]}", REASON_NONE, 1, 0},
    {"{'choices':[{'message':{'content':'Hi'},'finish_reason':'length'}]}", REASON_ANSWER_CUT, 1,
     0},
    {"{'choices':[{'message':{'content':'Hi'},'finish_reason':null}]}", REASON_ANSWER_CUT, 1, 15},
    {DEEPSEEK("'stop'"), REASON_NONE, 1, 0},
    {DEEPSEEK("'length'"), REASON_ANSWER_CUT, 1, 0},
    {DEEPSEEK("null"), REASON_ANSWER_CUT, 1, 15},
    {"{'choices':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'choices':{'text':'a'}}", REASON_ANSWER_UNKNOWN, 1, 15},
    {COMMAND_R("'text':'It rains.'", "'COMPLETE'"), REASON_NONE, 1, 0},
    {COMMAND_R("'text':'It rains.'", "'MAX_TOKENS'"), REASON_ANSWER_CUT, 1, 0},
    {COMMAND_R("'text':'It rains.'", "'ERROR_TOXIC'"), REASON_ANSWER_ERROR, 1, 15},
    {COMMAND_R("'text':'','tool_calls':[{'name':'f'}]", "'COMPLETE'"), REASON_ANSWER_TOOLS, 1, 0},
    {COMMAND_R("'text':''", "'COMPLETE'"), REASON_ANSWER_EMPTY, 1, 15},
    {COMMAND_R("'text':'It rains.'", "null"), REASON_ANSWER_CUT, 1, 15},
    {COMMAND_OLD("'COMPLETE'"), REASON_NONE, 1, 0},
    {COMMAND_OLD("'MAX_TOKENS'"), REASON_ANSWER_CUT, 1, 0},
    {COMMAND_OLD("'ERROR_TOXIC'"), REASON_ANSWER_ERROR, 1, 15},
    /* vectors and ranks */
    {"{'embedding':[0.1,0.2],'inputTextTokenCount':3}", REASON_NONE, 1, 0},
    {"{'embedding':[]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embeddings':[[0.1],[0.2]],'response_type':'embeddings_floats'}", REASON_NONE, 2, 0},
    {"{'embeddings':{'float':[[0.1]]}}", REASON_NONE, 1, 0},
    {"{'embeddings':{'float':[[0.1]]}}", REASON_ANSWER_COUNT, 2, 15},
    {"{'embeddings':[{'embeddingType':'TEXT','embedding':[0.1]}]}", REASON_NONE, 1, 0},
    {"{'embeddings':[{'embeddingType':'TEXT','embedding':[]}]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'results':[{'index':0,'relevance_score':0.9}]}", REASON_NONE, 1, 0},
    {"{'results':[{'index':0}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'results':[]}", REASON_ANSWER_UNKNOWN, 1, 15},
    /* what a guardrail did */
    {GUARDED("'NONE'"), REASON_NONE, 1, 0},
    {GUARDED("'INTERVENED'"), REASON_ANSWER_FILTERED, 1, 0},
    {GUARDED("'INTERVENED'"), REASON_NONE, 1, LET_FILTER},
    {GUARDED("true"), REASON_ANSWER_UNKNOWN, 1, 15},
    /* none of them */
    {"{}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'answer':'It rains.'}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'images':['iVBO']}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'message':'Malformed input request'}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'error':'no','generation':'It rains.','stop_reason':'stop'}", REASON_ANSWER_ERROR, 1, 15},
};

#define OLLAMA(message, rest)                                                                      \
    "{'model':'llama3.2','created_at':'2025-01-01T00:00:00Z','message':{'role':'assistant'"        \
    "," message "}," rest ",'total_duration':5,'eval_count':8}"
#define DONE "'done':true,'done_reason':'stop'"

static const struct verdict ollama[] = {
    {OLLAMA("'content':'Hello!'", DONE), REASON_NONE, 0, 0},
    {OLLAMA("'content':'Hello!'", "'done':true,'done_reason':'length'"), REASON_ANSWER_CUT, 0, 0},
    {OLLAMA("'content':'Hello!'", "'done':true,'done_reason':'length'"), REASON_NONE, 0,
     LET_LENGTH},
    {OLLAMA("'content':'Hello!'", "'done':true,'done_reason':'load'"), REASON_ANSWER_EMPTY, 0, 15},
    {OLLAMA("'content':''", "'done':true,'done_reason':'unload'"), REASON_ANSWER_EMPTY, 0, 15},
    {OLLAMA("'content':'Hello!'", "'done':true"), REASON_ANSWER_CUT, 0, 15},
    {OLLAMA("'content':'Hello!'", "'done':true,'done_reason':'whim'"), REASON_ANSWER_UNKNOWN, 0,
     15},
    {OLLAMA("'content':'Hello!'", "'done':false,'done_reason':'stop'"), REASON_ANSWER_CUT, 0, 15},
    {OLLAMA("'content':'Hello!'", "'done_reason':'stop'"), REASON_ANSWER_CUT, 0, 15},
    {OLLAMA("'content':'Hello!'", "'done':'true','done_reason':'stop'"), REASON_ANSWER_UNKNOWN, 0,
     15},
    {OLLAMA("'content':'','tool_calls':[{'function':{'name':'f','arguments':{}}}]", DONE),
     REASON_ANSWER_TOOLS, 0, 0},
    {OLLAMA("'content':'','tool_calls':[{'function':{'name':'f','arguments':{}}}]", DONE),
     REASON_NONE, 0, LET_TOOLS},
    {OLLAMA("'content':''", DONE), REASON_ANSWER_EMPTY, 0, 15},
    {OLLAMA("'content':'','thinking':'Hm.'", DONE), REASON_ANSWER_EMPTY, 0, 15},
    {OLLAMA("'content':['Hello!']", DONE), REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'message':'Hello!'," DONE "}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'model':'llama3.2','response':'The sky is blue.'," DONE ",'context':[1,2],'eval_count':9}",
     REASON_NONE, 0, 0},
    {"{'response':'The sky','done':true,'done_reason':'length'}", REASON_ANSWER_CUT, 0, 0},
    {"{'response':''," DONE "}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'response':7," DONE "}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'error':'model runner has unexpectedly stopped'}", REASON_ANSWER_ERROR, 0, 15},
    {"{'model':'all-minilm','embeddings':[[0.1,-0.2],[0.3,0.4]],'prompt_eval_count':8}",
     REASON_NONE, 2, 0},
    {"{'embeddings':[[0.1]]}", REASON_ANSWER_COUNT, 2, 15},
    {"{'embeddings':[[0.1],[]]}", REASON_ANSWER_EMPTY, 2, 15},
    {"{'embeddings':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'embeddings':[0.1]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'embedding':[0.1,0.2]}", REASON_NONE, 1, 0},
    {"{'embedding':[]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'status':'success'}", REASON_ANSWER_UNKNOWN, 0, 15},
};

#define COHERE(message, finish)                                                                    \
    "{'id':'c14c80c3','finish_reason':" finish ",'message':{'role':'assistant'," message           \
    "},'usage':{'billed_units':{'input_tokens':5,'output_tokens':4},"                              \
    "'tokens':{'input_tokens':71,'output_tokens':11}}}"
#define COMMAND "'content':[{'type':'text','text':'LLMs predict words.'}]"

static const struct verdict cohere_chat[] = {
    {COHERE(COMMAND, "'COMPLETE'"), REASON_NONE, 0, 0},
    {COHERE(COMMAND, "'STOP_SEQUENCE'"), REASON_NONE, 0, 0},
    {COHERE("'tool_plan':'I will look.','tool_calls':[{'id':'f0','type':'function'}]",
            "'TOOL_CALL'"),
     REASON_NONE, 0, LET_TOOLS},
    {COHERE("'tool_plan':'I will look.','tool_calls':[{'id':'f0','type':'function'}]",
            "'TOOL_CALL'"),
     REASON_ANSWER_TOOLS, 0, 0},
    {COHERE(COMMAND, "'MAX_TOKENS'"), REASON_ANSWER_CUT, 0, 0},
    {COHERE(COMMAND, "'MAX_TOKENS'"), REASON_NONE, 0, LET_LENGTH},
    {COHERE(COMMAND, "'ERROR'"), REASON_ANSWER_ERROR, 0, 15},
    {COHERE(COMMAND, "'ERROR_TOXIC'"), REASON_ANSWER_ERROR, 0, 15},
    {COHERE(COMMAND, "'ERROR_LIMIT'"), REASON_ANSWER_ERROR, 0, 15},
    {COHERE(COMMAND, "'TIMEOUT'"), REASON_ANSWER_ERROR, 0, 15},
    {COHERE(COMMAND, "'USER_CANCEL'"), REASON_ANSWER_ERROR, 0, 15},
    {COHERE(COMMAND, "'complete'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {COHERE(COMMAND, "null"), REASON_ANSWER_CUT, 0, 15},
    {COHERE("'content':[]", "'COMPLETE'"), REASON_ANSWER_EMPTY, 0, 15},
    {COHERE("'content':[{'type':'thinking','thinking':'Hm.'}]", "'COMPLETE'"), REASON_ANSWER_EMPTY,
     0, 15},
    {COHERE("'content':'text'", "'COMPLETE'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'message':'invalid api token'}", REASON_ANSWER_UNKNOWN, 0, 15},
    /* v1 */
    {COMMAND_R("'text':'It rains.'", "'COMPLETE'"), REASON_NONE, 0, 0},
    {COMMAND_R("'text':'It rains.'", "'MAX_TOKENS'"), REASON_ANSWER_CUT, 0, 0},
    {COMMAND_R("'text':'','tool_calls':[{'name':'f'}]", "'COMPLETE'"), REASON_ANSWER_TOOLS, 0, 0},
    {COMMAND_R("'text':'','search_queries':[{'text':'q'}]", "'COMPLETE'"), REASON_ANSWER_EMPTY, 0,
     15},
};

static const struct verdict cohere_embed[] = {
    {"{'id':'e','embeddings':{'float':[[0.1,0.2],[0.3,0.4]]},'texts':['a','b'],"
     "'response_type':'embeddings_by_type'}",
     REASON_NONE, 2, 0},
    {"{'embeddings':{'float':[[0.1]],'int8':[[3]],'base64':['AACAPw=='],'binary':null}}",
     REASON_NONE, 1, 0},
    {"{'response_type':'embeddings_floats','embeddings':[[0.1]]}", REASON_NONE, 1, 0},
    {"{'embeddings':{'float':[[0.1]],'int8':[[3],[4]]}}", REASON_ANSWER_COUNT, 1, 15},
    {"{'embeddings':{'float':[[0.1]]}}", REASON_ANSWER_COUNT, 2, 15},
    {"{'embeddings':{'float':[[]]}}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embeddings':{'float':[]}}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'embeddings':{'float':null}}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embeddings':{}}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'embeddings':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'embeddings':{'float':[0.1]}}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'embeddings':{'float':{}}}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'embeddings':'AACAPw=='}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'texts':['a']}", REASON_ANSWER_UNKNOWN, 1, 15},
};

static const struct verdict cohere_rerank[] = {
    {"{'id':'r','results':[{'index':3,'relevance_score':0.99},{'index':0,'relevance_score':0.2}],"
     "'meta':{'billed_units':{'search_units':1}}}",
     REASON_NONE, 0, 0},
    {"{'results':[{'index':0,'relevance_score':0.2}]}", REASON_NONE, 5, 0},
    {"{'results':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'results':[3]}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'results':{}}", REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'meta':{}}", REASON_ANSWER_UNKNOWN, 0, 15},
};

#endif
